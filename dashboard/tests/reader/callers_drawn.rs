//! Functions and who calls them as the browser holds them, computed again from the document: the flame graph from the bottom
//! up, the tree of callers, the table by function and the bands over time. Written from the grammar and from how they are to
//! be read, apart from the scripts that draw them.

use super::drawing::{agree, lengths};
use super::markup::Element;
use super::scopes_drawn::{self, Node, Tree};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Scopes that a page holds, by their inclusive allocated bytes.
const HELD: usize = 4_096;

/// The document's scopes that a page holds, and which function each is of.
struct Functions<'a> {
    tree: Tree<'a>,
    held: Vec<usize>,
    of: Vec<usize>,
}

impl<'a> Functions<'a> {
    fn new(document: &'a Value) -> Self {
        let tree = Tree::new(document);
        let bytes = |index: usize| tree.scopes[index]["inclusive"]["allocated_bytes"].as_u64();
        let mut held: Vec<usize> = (0..tree.scopes.len()).collect();
        held.sort_by_key(|&index| Reverse(bytes(index)));
        held.truncate(HELD);
        held.sort_unstable();
        // Full name, name, file and line.
        let mut numbers = BTreeMap::new();
        let of = tree.scopes.iter().map(|scope| {
            let last = |field: &str| scope[field].as_array().and_then(|all| all.last()).map(Value::to_string);
            let identity = (last("key"), last("path"), scope["file"].to_string(), scope["line"].to_string());
            let next = numbers.len();
            *numbers.entry(identity).or_insert(next)
        });
        let of = of.collect();
        Self { tree, held, of }
    }

    /// The scope and those above it, up to `callers` of them; `None`: it has fewer.
    fn path(&self, scope: usize, callers: usize) -> Option<Vec<usize>> {
        let mut path = vec![scope];
        while path.len() <= callers {
            path.push(self.tree.parent[path[path.len() - 1]]?);
        }
        Some(path)
    }

    /// The functions of [`Functions::path`].
    fn chain(&self, scope: usize, callers: usize) -> Option<Vec<usize>> {
        Some(self.path(scope, callers)?.into_iter().map(|scope| self.of[scope]).collect())
    }

    /// The scopes of the same function as `scope`, called by the same functions.
    fn alike(&self, scope: usize, callers: usize) -> Vec<usize> {
        let chain = self.chain(scope, callers).unwrap_or_else(|| panic!("{scope} has not {callers} callers"));
        let is_so = |other: &&usize| self.chain(**other, callers).as_ref() == Some(&chain);
        self.held.iter().filter(is_so).copied().collect()
    }

    /// `scopes` without those below another of them.
    fn outermost(&self, scopes: &[usize]) -> Vec<usize> {
        let is_above = |scope: usize| {
            let above = std::iter::successors(self.tree.parent[scope], |&at| self.tree.parent[at]);
            above.into_iter().any(|at| scopes.contains(&at))
        };
        scopes.iter().copied().filter(|&scope| !is_above(scope)).collect()
    }

    /// Chains of callers that begin with `scopes`, whose last caller's function is told by `at`.
    fn chains(&self, scopes: &[usize], callers: usize) -> Vec<Vec<usize>> {
        let mut chains: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &scope in scopes {
            if let Some(chain) = self.chain(scope, callers) {
                chains.entry(chain[callers]).or_default().push(scope);
            }
        }
        let mut chains: Vec<Vec<usize>> = chains.into_values().collect();
        chains.sort();
        chains
    }

    /// How a scope of the chain `id` is found, and of how many callers it is: `SCOPE-CALLERS`.
    fn named(&self, id: &str) -> Result<(usize, usize), String> {
        let (scope, callers) = id.split_once('-').ok_or(format!("{id} is no chain of callers"))?;
        let named: (usize, usize) = (scope.parse().expect("a scope"), callers.parse().expect("a count"));
        // A chain is named by the first of its scopes.
        match self.alike(named.0, named.1)[0] == named.0 {
            true => Ok(named),
            false => Err(format!("{id} is not the first of its chain")),
        }
    }

    fn name(&self, scope: usize, callers: usize) -> String {
        self.tree.name(self.path(scope, callers).expect("it has as many")[callers])
    }
}

/// The value of a function of the grammar over functions and callers.
pub fn evaluate(function: &str, arguments: &[&str], document: &Value) -> Option<f64> {
    let functions = Functions::new(document);
    let within = arguments[0].strip_prefix("within(").and_then(|rest| rest.strip_suffix(')'));
    let place = within.unwrap_or(arguments[0]).strip_prefix("/scopes/").expect("a scope");
    let (scope, field) = place.split_once('/').unwrap_or((place, ""));
    let scopes = match function {
        "listed" => functions.held.clone(),
        _ => {
            functions.alike(scope.parse().expect("an index"), arguments[1].parse().expect("how many callers"))
        }
    };
    let scopes = if function.ends_with("outermost") { functions.outermost(&scopes) } else { scopes };
    if function == "paths" {
        return Some(scopes.len() as f64);
    }
    let values = scopes.into_iter().map(|scope| match within {
        Some(_) => functions.tree.within(scope, field),
        None => functions.tree.at(scope, field),
    });
    if function.starts_with("hypot_") {
        let squares: Vec<f64> = values.flatten().map(|value| value * value).collect();
        return (!squares.is_empty()).then(|| squares.iter().sum::<f64>().sqrt().ceil());
    }
    values.sum()
}

/// Whether an element of the views of functions may be called so.
pub fn is_id(id: &str) -> bool {
    let starts = ["callers-more-", "callers-unlisted-", "callers-row-", "callers-", "functions-"];
    starts.iter().any(|start| id.strip_prefix(start).is_some_and(|row| row.parse::<usize>().is_ok()))
}

/// The flame graph from the bottom up: functions by what is theirs alone, below each its callers.
pub fn flame(graph: &Element, document: &Value) -> Result<(), String> {
    let functions = Functions::new(document);
    let field = graph.attribute("data-turned").expect("the caller saw it");
    let own = |scope: usize| functions.tree.amount(scope, "exclusive", field);
    let sum = |scopes: &[usize]| scopes.iter().map(|&scope| own(scope)).sum::<f64>();
    let mut nodes = vec![Node {
        id: "all".into(),
        name: "all functions".into(),
        own: 0.0,
        amount: functions.tree.amount(0, "inclusive", field),
        children: Vec::new(),
    }];
    // (node above, scopes, callers)
    let mut ahead: Vec<(usize, Vec<usize>, usize)> =
        functions.chains(&functions.held, 0).into_iter().map(|scopes| (0, scopes, 0)).collect();
    let mut next = 0;
    while next < ahead.len() {
        let (above, scopes, callers) = ahead[next].clone();
        let number = nodes.len();
        nodes[above].children.push(number);
        let below = functions.chains(&scopes, callers + 1);
        nodes.push(Node {
            id: format!("{}-{callers}", scopes[0]),
            name: functions.name(scopes[0], callers),
            // What nobody called.
            own: sum(&scopes) - below.iter().map(|scopes| sum(scopes)).sum::<f64>(),
            amount: sum(&scopes),
            children: Vec::new(),
        });
        ahead.extend(below.into_iter().map(|scopes| (number, scopes, callers + 1)));
        next += 1;
    }
    scopes_drawn::drawn(graph, &nodes)
}

/// The rows of the tree of callers.
pub fn tree(grid: &Element, document: &Value) -> Result<(), String> {
    let functions = Functions::new(document);
    scopes_drawn::rows(grid, usize::MAX, |row| {
        let id = row.attribute("data-scope").expect("a row has a name");
        if id == "all" {
            return Ok((Some(0), Some(0), "all functions".into()));
        }
        let (scope, callers) = functions.named(id)?;
        is_of(row, &[scope])?;
        Ok((Some(callers + 1), Some((callers + 1).min(24)), functions.name(scope, callers)))
    })
}

/// The rows of the table by function: `SCOPE-0` a function, `OWNER-caller-SCOPE-1` below it what calls it, `OWNER-callee-SCOPE-1`
/// what it calls.
pub fn functions(grid: &Element, document: &Value) -> Result<(), String> {
    let functions = Functions::new(document);
    scopes_drawn::rows(grid, usize::MAX, |row| {
        let id = row.attribute("data-scope").expect("a row has a name");
        let parts: Vec<&str> = id.splitn(3, '-').collect();
        let [owner, kind, chain] = parts[..] else {
            let (scope, _) = functions.named(id)?;
            is_of(row, &[scope])?;
            return Ok((Some(0), None, functions.tree.name(scope)));
        };
        let owner: usize = owner.parse().expect("an index");
        let (scope, callers) = functions.named(chain)?;
        is_of(row, &[scope, owner])?;
        let caller = functions.tree.parent[scope].expect("it has a caller");
        let (named, other) = if kind == "caller" { (caller, scope) } else { (scope, caller) };
        if callers != 1 || functions.of[other] != functions.of[owner] {
            return Err(format!("{id} is not of the function {owner}"));
        }
        Ok((Some(1), None, functions.tree.name(named)))
    })
}

/// The figures of a row are of the chain of which it is, or of all.
fn is_of(row: &Element, scopes: &[usize]) -> Result<(), String> {
    let figures = row.all().into_iter().filter_map(|element| element.attribute("data-from"));
    let place = |scope: usize| format!("/scopes/{scope}/");
    for from in figures.filter(|from| !from.is_empty()) {
        let is_so = scopes
            .iter()
            .any(|&scope| from.contains(&place(scope)) || from.contains(&format!("/scopes/{scope},")));
        // The line of the function's name may be read in another scope of it.
        if !is_so && !from.ends_with("/line") {
            return Err(format!("a row of {scopes:?} tells {from}"));
        }
    }
    Ok(())
}

/// How many chains: as many as are named beside it, each once.
pub fn counted(element: &Element) -> Result<(), String> {
    let chains: Vec<&str> =
        element.attribute("data-counted-chains").expect("the caller saw it").split_whitespace().collect();
    let each: BTreeSet<&str> = chains.iter().copied().collect();
    let text = element.text().replace('\u{202f}', "");
    match each.len() == chains.len() && text == each.len().to_string() {
        true => Ok(()),
        false => Err(format!("{text} of {chains:?}")),
    }
}

/// Live bytes over time, a band for each of the seven functions with the highest values, the largest at the bottom, above them
/// one for all others.
pub fn stacked(plot: &Element, document: &Value) -> Result<(), String> {
    let functions = Functions::new(document);
    let drawing = plot.find(|element| element.name == "svg").expect("a drawing");
    let (first, last) =
        drawing.attribute("data-stacked").and_then(|span| span.split_once('-')).expect("moments");
    let (first, last): (usize, usize) = (first.parse().expect("a moment"), last.parse().expect("a moment"));
    let ms: Vec<f64> =
        document["trend_ms"].as_array().expect("moments").iter().map(|ms| ms.as_f64().unwrap()).collect();
    let missing = drawing.attribute("data-missing").unwrap_or_default().split_whitespace();
    let missing: BTreeSet<usize> = missing.map(|index| index.parse().expect("an index")).collect();
    let held = |scopes: &[usize]| -> Vec<f64> {
        let at = |moment: usize, scope: &usize| {
            functions.tree.at(*scope, &format!("trend/{moment}")).expect("held")
        };
        (first..=last).map(|moment| scopes.iter().map(|scope| at(moment, scope)).sum()).collect()
    };
    let highest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let mut bands: Vec<(Vec<usize>, Vec<f64>)> = functions
        .chains(&functions.held, 0)
        .into_iter()
        .filter(|scopes| !scopes.iter().any(|scope| missing.contains(scope)))
        .map(|scopes| (scopes.clone(), held(&scopes)))
        .collect();
    // Of two as high the one that comes first in the document; `chains` gives them so.
    bands.sort_by(|(_, a), (_, b)| highest(b).total_cmp(&highest(a)));
    let mut own = bands.iter().take(7).filter(|(_, values)| highest(values) > 0.0).count();
    // One alone has its name.
    if bands.len() == own + 1 {
        own += 1;
    }
    let others: Vec<usize> = bands.split_off(own).into_iter().flat_map(|(scopes, _)| scopes).collect();
    let mut named: Vec<String> = bands.iter().map(|(scopes, _)| scopes[0].to_string()).collect();
    if !others.is_empty() {
        named.push("others".into());
        let values = held(&others);
        bands.push((others, values));
    }
    let paths: Vec<&Element> = drawing.elements().collect();
    let drawn: Vec<&str> = paths.iter().filter_map(|path| path.attribute("data-band")).collect();
    if drawn != named {
        return Err(format!("bands {drawn:?}, computed {named:?}"));
    }
    let totals: Vec<f64> =
        (0..=last - first).map(|at| bands.iter().map(|(_, values)| values[at]).sum()).collect();
    let x = |at: usize| ((ms[first + at] - ms[first]) / (ms[last] - ms[first]) * 10_000.0).round();
    let y = |bytes: f64| (2_000.0 - bytes / highest(&totals) * 1_900.0).round();
    let mut below = vec![0.0; totals.len()];
    let mut labels = plot.elements().filter(|element| element.has_class("band-label"));
    for (path, (scopes, values)) in paths.iter().zip(&bands) {
        let lower: Vec<f64> = (0..totals.len()).rev().flat_map(|at| [x(at), y(below[at])]).collect();
        let before = below.clone();
        below.iter_mut().zip(values).for_each(|(below, value)| *below += value);
        let mut corners: Vec<f64> = (0..totals.len()).flat_map(|at| [x(at), y(below[at])]).collect();
        corners.extend(lower);
        agree("a band", &lengths(path.attribute("d").expect("corners")), &corners, 2.0)?;
        // Its name stands where it is highest; near an end of the drawing as near as there is room, on what is drawn there.
        let thickest =
            (0..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best });
        let across = ((ms[first + thickest] - ms[first]) / (ms[last] - ms[first]) * 100.0).clamp(12.0, 88.0);
        let at = ms[first] + across / 100.0 * (ms[last] - ms[first]);
        let later = (1..values.len()).find(|&later| ms[first + later] >= at).expect("it is within");
        let [before_ms, later_ms] = [ms[first + later - 1], ms[first + later]];
        let there = |curve: &[f64]| {
            let risen = (at - before_ms) / (later_ms - before_ms) * (curve[later] - curve[later - 1]);
            (curve[later - 1] + risen) / highest(&totals)
        };
        let height = there(values);
        if height >= 0.13 {
            let label = labels.next().ok_or("a band without its name")?;
            let up = (there(&before) + height / 2.0) * 95.0;
            agree(
                "a band's name",
                &lengths(label.attribute("style").expect("a place")),
                &[across, up],
                0.01,
            )?;
            let name = if path.attribute("data-band") == Some("others") {
                "all others".into()
            } else {
                functions.tree.name(scopes[0])
            };
            if label.text() != name {
                return Err(format!("the band of {name} reads {:?}", label.text()));
            }
        }
    }
    match labels.next() {
        Some(label) => Err(format!("a name without room: {:?}", label.text())),
        None => Ok(()),
    }
}
