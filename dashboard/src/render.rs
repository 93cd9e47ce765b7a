//! View → HTML, through Handlebars: the only writer of HTML.
//!
//! The file is whole in itself: styles, scripts and data are inline, and its content security policy forbids the
//! browser to load anything. Every string is escaped by Handlebars; the data island by [`crate::island`].

use crate::live::{self, Live};
use crate::{compare, island, partials, trend, units, view, words};
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason, html_escape,
};
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::sync::OnceLock;

/// The page and its partials, by name.
const TEMPLATES: [(&str, &str); 41] = [
    ("head", include_str!("../templates/head.hbs")),
    ("page", include_str!("../templates/page.hbs")),
    ("live", include_str!("../templates/live.hbs")),
    ("answers", include_str!("../templates/answers.hbs")),
    ("held", include_str!("../templates/held.hbs")),
    ("overview", include_str!("../templates/overview.hbs")),
    ("fragmentation", include_str!("../templates/fragmentation.hbs")),
    ("timeline", include_str!("../templates/timeline.hbs")),
    ("variables", include_str!("../templates/variables.hbs")),
    ("card", include_str!("../templates/card.hbs")),
    ("inspector", include_str!("../templates/inspector.hbs")),
    ("brief", include_str!("../templates/brief.hbs")),
    ("memory_map", include_str!("../templates/memory_map.hbs")),
    ("squares", include_str!("../templates/squares.hbs")),
    ("points", include_str!("../templates/points.hbs")),
    ("scopes", include_str!("../templates/scopes.hbs")),
    ("more_of_scope", include_str!("../templates/more_of_scope.hbs")),
    ("category", include_str!("../templates/category.hbs")),
    ("types", include_str!("../templates/types.hbs")),
    ("lifetimes", include_str!("../templates/lifetimes.hbs")),
    ("sizes", include_str!("../templates/sizes.hbs")),
    ("handed_out", include_str!("../templates/handed_out.hbs")),
    ("threads", include_str!("../templates/threads.hbs")),
    ("thread_rows", include_str!("../templates/thread_rows.hbs")),
    ("foreign_frees", include_str!("../templates/foreign_frees.hbs")),
    ("pairs", include_str!("../templates/pairs.hbs")),
    ("size_rows", include_str!("../templates/size_rows.hbs")),
    ("lifetime_rows", include_str!("../templates/lifetime_rows.hbs")),
    ("tasks", include_str!("../templates/tasks.hbs")),
    ("diagnostics", include_str!("../templates/diagnostics.hbs")),
    ("finding", include_str!("../templates/finding.hbs")),
    ("sites", include_str!("../templates/sites.hbs")),
    ("site_list", include_str!("../templates/site_list.hbs")),
    ("recording", include_str!("../templates/recording.hbs")),
    ("thread", include_str!("../templates/thread.hbs")),
    ("place", include_str!("../templates/place.hbs")),
    ("compare", include_str!("../templates/compare.hbs")),
    ("compare_rows", include_str!("../templates/compare_rows.hbs")),
    ("trend", include_str!("../templates/trend.hbs")),
    ("trend_curve", include_str!("../templates/trend_curve.hbs")),
    ("trend_table", include_str!("../templates/trend_table.hbs")),
];

/// Styles and scripts as `tests/built.rs` has them built from `assets/`, by name.
const ASSETS: [(&str, &str); 9] = [
    ("page.css", include_str!("../built/page.css")),
    ("panels.css", include_str!("../built/panels.css")),
    ("scopes.css", include_str!("../built/scopes.css")),
    ("live.css", include_str!("../built/live.css")),
    ("print.css", include_str!("../built/print.css")),
    ("compare.css", include_str!("../built/compare.css")),
    ("page.js", include_str!("../built/page.js")),
    ("fed.js", include_str!("../built/fed.js")),
    ("compare.js", include_str!("../built/compare.js")),
];

/// Why a page could not be written. No recording leads here: it means a fault in the templates.
#[derive(Debug)]
#[non_exhaustive]
pub enum RenderError {
    /// A template does not parse.
    Template(Box<handlebars::TemplateError>),
    /// A template names a field that its view does not have.
    Render(Box<handlebars::RenderError>),
    /// The data island could not be serialized.
    Island(serde_json::Error),
    /// A partial uses what the page's script does not know.
    Program(String),
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(error) => write!(f, "a template of the dashboard does not parse: {error}"),
            Self::Render(error) => write!(f, "the dashboard could not be rendered: {error}"),
            Self::Island(error) => write!(f, "the dashboard's data could not be serialized: {error}"),
            Self::Program(fault) => {
                write!(f, "a template of the dashboard does not run in a browser: {fault}")
            }
        }
    }
}

impl std::error::Error for RenderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Template(error) => Some(error),
            Self::Render(error) => Some(error),
            Self::Island(error) => Some(error),
            Self::Program(_) => None,
        }
    }
}

/// The dashboard of `snapshot`: one HTML file, the same for the same snapshot.
///
/// # Errors
/// [`RenderError`], which no recording can cause.
pub fn render(snapshot: &Snapshot) -> Result<String, RenderError> {
    page(snapshot, None)
}

/// The page of a file, or one that is fed.
#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    panels: view::Page,
    /// `None`: it is a file's.
    live: Option<Live>,
}

pub(crate) fn page(snapshot: &Snapshot, live: Option<Live>) -> Result<String, RenderError> {
    let labels = view::label::Labels::new(snapshot);
    // A page that is fed renders its panels again.
    let fed: &[&str] = if live.is_some() { &live::PANELS } else { &[] };
    let programs = programs(&[&view::island::PARTIALS, fed].concat())?;
    let programs = island::compressed(&programs).map_err(RenderError::Island)?;
    let of_page = if live.is_some() { view::island::fed } else { view::island::island };
    let island = of_page(snapshot, &labels);
    let island = island::compressed(&island).map_err(RenderError::Island)?;
    let mut registry = parsed().map_err(|error| RenderError::Template(Box::new(error)))?;
    for (name, json) in [("programs", programs), ("island", island)] {
        let write = move |_: &Helper<'_>,
                          _: &Handlebars<'_>,
                          _: &Context,
                          _: &mut RenderContext<'_, '_>,
                          out: &mut dyn Output|
              -> HelperResult { Ok(out.write(&json)?) };
        registry.register_helper(name, Box::new(write));
    }
    let panels = view::page(snapshot, &labels);
    let page = Page { panels: if live.is_some() { panels } else { panels.standing() }, live };
    registry.render("page", &page).map_err(|error| RenderError::Render(Box::new(error)))
}

/// The partial `name` with its view, as [`render`] writes it into the page.
///
/// # Errors
/// [`RenderError`]: there is no such partial, or the view is another's.
pub fn partial(name: &str, view: &impl Serialize) -> Result<String, RenderError> {
    let registry = parsed().map_err(|error| RenderError::Template(Box::new(error)))?;
    registry.render(name, view).map_err(|error| RenderError::Render(Box::new(error)))
}

/// The partials `names`, with those that they include, as `assets/hbs.js` runs them.
///
/// # Errors
/// [`RenderError`]: there is no such partial, or it uses what `hbs.js` does not know.
pub fn programs(names: &[&str]) -> Result<serde_json::Map<String, Value>, RenderError> {
    let registry = parsed().map_err(|error| RenderError::Template(Box::new(error)))?;
    partials::programs(names, |name| registry.get_template(name)).map_err(RenderError::Program)
}

/// The names of all partials that a browser may render: no whole page, and not what stands in its head.
pub fn partial_names() -> impl Iterator<Item = &'static str> {
    let stands_in_a_page =
        |&(name, source): &(&str, &str)| name != "head" && !source.starts_with("<!DOCTYPE");
    TEMPLATES.into_iter().filter(stands_in_a_page).map(|(name, _)| name)
}

/// The page that compares `then` with the baseline `base`; the same for the same two.
///
/// # Errors
/// [`RenderError`], which no recording can cause.
pub fn render_compare(base: &Snapshot, then: &Snapshot) -> Result<String, RenderError> {
    whole("compare", &view::compare::page(base, then, &compare::compare(base, then)))
}

/// The page of many recordings, in whichever order they are: where memory goes from session to session.
///
/// # Errors
/// [`RenderError`], which no recording can cause.
pub fn render_trend(recordings: &[&Snapshot]) -> Result<String, RenderError> {
    let ordered = trend::in_time_order(recordings);
    whole("trend", &view::trend::page(&ordered, &trend::trend(&ordered)))
}

/// The page `template` of a view that needs no island.
fn whole(template: &str, view: &impl Serialize) -> Result<String, RenderError> {
    let registry = parsed().map_err(|error| RenderError::Template(Box::new(error)))?;
    registry.render(template, view).map_err(|error| RenderError::Render(Box::new(error)))
}

/// The templates. They are parsed once: it takes longer than the page of a small recording does, and a program may
/// write its page again and again.
fn parsed() -> Result<Handlebars<'static>, handlebars::TemplateError> {
    static PARSED: OnceLock<Handlebars<'static>> = OnceLock::new();
    if let Some(parsed) = PARSED.get() {
        return Ok(parsed.clone());
    }
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.set_prevent_indent(true);
    registry.register_escape_fn(html_escape);
    for (name, source) in TEMPLATES {
        registry.register_template_string(name, source)?;
    }
    registry.register_helper("figure", Box::new(figure));
    registry.register_helper("type", Box::new(of_rust(words::with_paths)));
    registry.register_helper("prose", Box::new(of_rust(words::prose)));
    registry.register_helper("asset", Box::new(asset));
    Ok(PARSED.get_or_init(|| registry).clone())
}

/// `{{figure x}}`: the [`Figure`](crate::figure::Figure) `x` as a `<span>` that states its origin and exact value,
/// and a second one beside it for its error. A bound stands inside of the figure that it is read in place of.
///
/// A helper and not a partial, because a page holds tens of thousands: a partial clones its context each time.
fn figure(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let figure = helper.param(0).ok_or(RenderErrorReason::ParamNotFoundForIndex("figure", 0))?.value();
    // No class for what is measured: the style knows it by its origin, and a page holds thousands.
    let (error, bound) = (&figure["error"], &figure["bound"]);
    let is_blank = figure["value"].is_null() || figure["text"] == units::NO_SAMPLE || bound.is_object();
    open(figure, if is_blank { "none" } else { "" }, out)?;
    if bound.is_object() {
        open(bound, "", out)?;
        out.write(&html_escape(text(bound)?))?;
        out.write("</span>")?;
    } else {
        out.write(&html_escape(text(figure)?))?;
    }
    out.write("</span>")?;
    if error.is_object() && !bound.is_object() {
        // The space is outside, for the line may break there.
        out.write(" ")?;
        open(error, "plus-minus", out)?;
        out.write(&html_escape(text(error)?))?;
        out.write("</span>")?;
    }
    Ok(())
}

fn text(figure: &Value) -> Result<&str, handlebars::RenderError> {
    let other = || RenderErrorReason::Other(format!("{{{{figure}}}} was given no figure but {figure}"));
    Ok(figure["text"].as_str().ok_or_else(other)?)
}

/// The start tag of `figure`.
fn open(figure: &Value, class: &str, out: &mut dyn Output) -> HelperResult {
    out.write("<span")?;
    if !class.is_empty() {
        out.write(" class=\"")?;
        out.write(class)?;
        out.write("\"")?;
    }
    if let Some(from) = figure["from"].as_str().filter(|from| !from.is_empty()) {
        out.write(" data-from=\"")?;
        out.write(&html_escape(from))?;
        out.write("\" data-value=\"")?;
        // A string: the digits of a number that a browser would round.
        let value = &figure["value"];
        out.write(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))?;
        out.write("\"")?;
    }
    if let Some(title) = figure["title"].as_str() {
        out.write(" title=\"")?;
        out.write(&html_escape(title))?;
        out.write("\"")?;
    }
    out.write(">")?;
    Ok(())
}

/// `{{type x}}` and `{{prose x}}`: a text with words of Rust, as HTML.
fn of_rust(html: fn(&str) -> String) -> impl handlebars::HelperDef {
    move |helper: &Helper<'_>,
          _: &Handlebars<'_>,
          _: &Context,
          _: &mut RenderContext<'_, '_>,
          out: &mut dyn Output|
          -> HelperResult {
        let text = helper.param(0).and_then(|param| param.value().as_str());
        Ok(out.write(&html(text.ok_or(RenderErrorReason::ParamNotFoundForIndex("type or prose", 0))?))?)
    }
}

/// `{{asset "page.css"}}`: a style or a script of ours.
fn asset(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = helper.param(0).and_then(|param| param.value().as_str()).unwrap_or_default();
    let Some((_, text)) = ASSETS.iter().find(|(asset, _)| *asset == name) else {
        return Err(RenderErrorReason::Other(format!("there is no asset {name:?}")).into());
    };
    Ok(out.write(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_ours_ends_its_own_element() {
        let mut texts: Vec<_> = ASSETS.into_iter().map(|(name, text)| (name, text.to_owned())).collect();
        let names: Vec<_> = partial_names().collect();
        texts.push(("programs", Value::Object(programs(&names).unwrap()).to_string()));
        for (name, text) in texts {
            let lower = text.to_lowercase();
            // A comment changes how the end of a script is looked for.
            for end in ["</script", "</style", "<!--"] {
                assert!(!lower.contains(end), "{name}: {end}");
            }
        }
    }
}
