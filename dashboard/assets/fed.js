// @ts-check
// The script of a page that is fed by the program that runs.
import "./rendered.js";
import "./page.js";
import "./live.js";
