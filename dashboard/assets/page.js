// @ts-check
// The script of the page of one recording: its modules, in the order in which they begin.
import "./timeline.js";
import "./dated.js";
import "./variables.js";
import "./inspector.js";
import "./memory_map.js";
import "./address_map.js";
import "./scopes.js";
import "./lists.js";
import "./cut_names.js";
import "./find.js";
import "./sight.js";

// What the page holds is drawn, and whoever waits for that may go on.
document.documentElement.classList.remove("busy");
document.dispatchEvent(new Event("memscope:drawn"));
