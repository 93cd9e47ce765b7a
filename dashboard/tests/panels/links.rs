//! Links into each page, and its filters: the bar leads to every panel, an address opens what it names, and what the filters
//! let through are parts of one whole.

use crate::data;
use crate::devtools::Browser;
use crate::recordings::{self, Page};
use crate::tab_key::enter;
use serde_json::{Value, json};

fn open(browser: &mut Browser, page: &Page, fragment: &str) {
    browser.open(page.file(), fragment, (1280, 900), "light");
}

/// How many variables are shown.
fn shown(browser: &mut Browser) -> u64 {
    let text = browser.eval("document.getElementById('variables-shown').textContent.replace(/\\D/g, '')");
    text.as_str().unwrap().parse().unwrap()
}

fn choose(browser: &mut Browser, filter: &str, value: &Value) {
    browser.eval(&format!(
        "(() => {{ const field = document.getElementById('variables-{filter}'); field.focus(); field.value = {value}; \
         field.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    ));
}

fn options(browser: &mut Browser, filter: &str) -> Vec<Value> {
    let options = browser.eval(&format!(
        "(() => {{ const field = document.getElementById('variables-{filter}'); field.focus(); \
         return [...field.options].map((option) => option.value).filter((value) => value !== ''); }})()"
    ));
    serde_json::from_value(options).unwrap()
}

fn filters(browser: &mut Browser, page: &Page) {
    let all = shown(browser);
    // Each variable has one stage, one category or none, and a worst finding or none.
    for (filter, sums_up_without) in [("stage", None), ("category", None), ("finding", Some("any"))] {
        let mut sum = 0;
        for value in options(browser, filter) {
            choose(browser, filter, &value);
            let link = browser.eval("location.hash");
            assert!(link.as_str().unwrap().starts_with(&format!("#variables?{filter}=")), "{link}");
            sum += if value.as_str() == sums_up_without { 0 } else { shown(browser) };
        }
        choose(browser, filter, &json!(""));
        assert_eq!((sum, shown(browser)), (all, all), "{} by {filter}", page.name);
    }
    // A link tells a filter: the page that it opens shows as many.
    for filter in ["type", "thread", "stage"] {
        let Some(value) = options(browser, filter).pop() else { continue };
        choose(browser, filter, &value);
        let (link, count) = (browser.eval("location.hash"), shown(browser));
        open(browser, page, link.as_str().unwrap());
        assert_eq!(shown(browser), count, "{}: {link}", page.name);
        open(browser, page, "");
        assert_eq!(shown(browser), all);
    }
    // In each order the same ones, the first card another or the same.
    for order in options(browser, "sort") {
        choose(browser, "sort", &order);
        assert_eq!(shown(browser), all, "{} by {order}", page.name);
        assert_eq!(
            browser.eval("document.querySelector('#cards li').getAttribute('aria-setsize')"),
            all.to_string()
        );
    }
    choose(browser, "search", &json!("no such words"));
    assert_eq!(shown(browser), 0);
    assert_eq!(browser.eval("document.getElementById('variables-none').checkVisibility()"), true);
    choose(browser, "search", &json!(""));
}

/// What the page's head says to look at are the worst findings, and each leads to its own.
fn findings(browser: &mut Browser, page: &Page) {
    let all = "[...document.querySelectorAll('#diagnostics .finding')].map((one) => [one.parentElement.id, \
               ['error', 'warning', 'note'].indexOf(one.querySelector('.severity').textContent)])";
    let all: Vec<(String, i64)> = serde_json::from_value(browser.eval(all)).unwrap();
    assert!(
        !all.is_empty() && all.is_sorted_by_key(|(_, rank)| *rank) && all[0].1 >= 0,
        "{}: {all:?}",
        page.name
    );
    let links =
        "[...document.querySelectorAll('#answers a[href^=\"#finding-\"]')].map((link) => link.hash.slice(1))";
    let links: Vec<String> = serde_json::from_value(browser.eval(links)).unwrap();
    let worst: Vec<&String> = all.iter().map(|(id, _)| id).take(4).collect();
    assert_eq!(links.iter().collect::<Vec<_>>(), worst, "{}", page.name);
    for link in &links {
        // By its key: Chromium may still be busy scrolling to the one before, from under a pointer.
        browser.settle();
        browser.eval(&format!("document.querySelector(\"#answers a[href='#{link}']\").focus()"));
        enter(browser);
        // The tab key goes on from there, and it begins below the bar.
        browser.until(&format!(
            "(() => {{ const {{ id, firstElementChild: finding }} = document.activeElement; if (id !== {link:?}) return false; \
             const top = finding.getBoundingClientRect().top; \
             return top >= document.querySelector('.head').getBoundingClientRect().bottom && top < innerHeight - 100; }})()"
        ));
    }
}

fn follow(page: &Page) {
    let Some(mut browser) = Browser::start() else { return };
    open(&mut browser, page, "");
    // A link that is followed while the page still glides to another one is lost, in Chromium.
    browser.prefer_no_motion();
    // The bar names every panel, in their order, and leads to each.
    let panels = browser.eval("[...document.querySelectorAll('.panel')].map((panel) => `#${panel.id}`)");
    let links =
        browser.eval("[...document.querySelectorAll('nav[aria-label=Panels] a')].map((link) => link.hash)");
    assert_eq!(links, panels);
    for panel in panels.as_array().unwrap() {
        let panel = panel.as_str().unwrap();
        browser.eval(&format!("location.hash = {panel:?}"));
        browser.settle();
        // Below the bar, or as far down as the page goes.
        browser.until(&format!(
            "(() => {{ const top = document.querySelector({panel:?}).getBoundingClientRect().top; \
             const {{ scrollTop, clientHeight, scrollHeight }} = document.documentElement; \
             return top >= 0 && (top < 150 || scrollTop + clientHeight >= scrollHeight - 2) && top < clientHeight; }})()"
        ));
    }
    findings(&mut browser, page);
    // The first and the last variable that the page holds, and the last that it holds all of.
    let data = data(&mut browser);
    let [variables, inspectors] = ["variables", "inspectors"].map(|of| data[of]["index"].as_array().unwrap());
    for index in [variables.first(), variables.last(), inspectors.last()].into_iter().flatten() {
        open(&mut browser, page, &format!("#variable={index}"));
        browser.until(&format!("document.querySelector('dialog[open]')?.id === 'variable={index}'"));
    }
    open(&mut browser, page, "#scope=1");
    browser.until("document.querySelector('#scope-tree .at')?.dataset.scope === '1'");
    // What names nothing opens nothing.
    for nothing in
        ["#variable=99999999", "#variable=-1", "#scope=99999999", "#variables?stage=x&type=%FF", "#%E0%A4%A"]
    {
        browser.eval(&format!("location.hash = {nothing:?}"));
        browser.settle();
        assert_eq!(browser.eval("document.querySelector('dialog[open]')"), Value::Null, "{nothing}");
    }
    browser.assert_quiet();
    open(&mut browser, page, "");
    filters(&mut browser, page);
    browser.assert_quiet();
}

#[test]
fn tiny() {
    follow(&recordings::PAGES[0]);
}

#[test]
fn code_index() {
    follow(&recordings::PAGES[1]);
}

#[test]
fn hostile() {
    follow(&recordings::PAGES[2]);
}

#[test]
fn largest() {
    follow(&recordings::PAGES[3]);
}

/// A type that is too rare to be among those to choose from is there when a link asks for it.
#[test]
fn a_link_asks_for_a_rare_type() {
    let Some(mut browser) = Browser::start() else { return };
    let page = &recordings::PAGES[3];
    open(&mut browser, page, "");
    let offered = options(&mut browser, "type");
    // By the page's own data: a type that no option names, and how many variables have it.
    assert_eq!(offered.len(), 1_000, "the recording has more types than are offered");
    let data = data(&mut browser);
    let types: Vec<u64> =
        data["variables"]["type_name"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    let rare = types.iter().find(|kind| !offered.contains(&Value::from(kind.to_string()))).unwrap();
    let count = types.iter().filter(|kind| *kind == rare).count() as u64;
    let name = browser.eval(&format!("encodeURIComponent({})", data["variables"]["texts"][*rare as usize]));
    let name = name.as_str().unwrap();
    open(&mut browser, page, &format!("#variables?type={name}"));
    assert_eq!(shown(&mut browser), count);
    browser.assert_quiet();
}
