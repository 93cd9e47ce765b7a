//! The partials as the page's script runs them: parsed here, written as JSON, interpreted by `assets/hbs.js`.
//!
//! The browser so needs no parser, and what lines and spaces remain of a template is decided once, by Handlebars.
//! `assets/hbs.js` says what a step is. Only what our partials use is translated; anything else is an error, which no
//! recording can cause.

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The programs of the partials `names`, and of those that they include, by name.
///
/// # Errors
/// Names what the browser's interpreter does not know, or a partial that there is none of.
pub fn programs<'a>(
    names: &[&str],
    template: impl Fn(&str) -> Option<&'a Template>,
) -> Result<Map<String, Value>, String> {
    let mut programs = Map::new();
    let mut wanted: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    while let Some(name) = wanted.pop_first() {
        let of_partial = template(&name).ok_or_else(|| format!("there is no partial {name:?}"))?;
        let mut included = Vec::new();
        let steps = steps(Some(of_partial), &mut included).map_err(|fault| format!("{name}: {fault}"))?;
        programs.insert(name, steps);
        wanted.extend(included.into_iter().filter(|name| !programs.contains_key(name)));
    }
    Ok(programs)
}

/// The steps of `template`; none where there is none.
fn steps(template: Option<&Template>, included: &mut Vec<String>) -> Result<Value, String> {
    let mut steps: Vec<Value> = Vec::new();
    for element in template.map_or(&[][..], |template| &template.elements) {
        let step = match element {
            TemplateElement::RawString(text) => {
                // What stood around a line that is a block's alone comes in pieces.
                if let Some(Value::String(before)) = steps.last_mut() {
                    before.push_str(text);
                    continue;
                }
                json!(text)
            }
            TemplateElement::Comment(_) => continue,
            TemplateElement::Expression(helper) => expression(helper)?,
            TemplateElement::HelperBlock(helper) => block(helper, included)?,
            TemplateElement::PartialExpression(partial) => {
                let name = partial.name.as_name().ok_or("a partial without a name")?;
                included.push(name.to_owned());
                json!([">", name, partial.params.first().map_or(Ok(String::new()), path)?])
            }
            other => return Err(format!("{other:?} is not known to the page's script")),
        };
        steps.push(step);
    }
    Ok(Value::Array(steps))
}

/// `{{x}}`, `{{figure x}}`, `{{type x}}` or `{{prose x}}`.
fn expression(helper: &HelperTemplate) -> Result<Value, String> {
    match (helper.name.as_name(), &helper.params[..]) {
        (Some("figure"), [figure]) => Ok(json!(["#", path(figure)?])),
        (Some("type"), [name]) => Ok(json!(["t", path(name)?])),
        (Some("prose"), [text]) => Ok(json!(["p", path(text)?])),
        (_, []) => Ok(json!(["=", path(&helper.name)?])),
        _ => Err(format!("{:?} is no value, figure, type or prose", helper.name)),
    }
}

/// `{{#if}}`, `{{#unless}}`, `{{#each}}`, `{{#with}}`.
fn block(helper: &HelperTemplate, included: &mut Vec<String>) -> Result<Value, String> {
    let then = steps(helper.template.as_ref(), included)?;
    let otherwise = steps(helper.inverse.as_ref(), included)?;
    let subject = helper.params.first().ok_or("a block without a subject")?;
    match helper.name.as_name() {
        Some("if") => Ok(json!(["?", test(subject)?, then, otherwise])),
        Some("unless") => Ok(json!(["?", test(subject)?, otherwise, then])),
        Some("each") => Ok(json!(["*", path(subject)?, then, otherwise])),
        Some("with") => Ok(json!(["@", path(subject)?, then, otherwise])),
        _ => Err(format!("{:?} is not known to the page's script", helper.name)),
    }
}

/// A path, `(eq path literal)` or `(ne path literal)`.
fn test(subject: &Parameter) -> Result<Value, String> {
    let Parameter::Subexpression(comparison) = subject else { return Ok(json!(path(subject)?)) };
    match (comparison.name(), comparison.params().map(Vec::as_slice)) {
        (operator @ ("eq" | "ne"), Some([value, Parameter::Literal(literal)]))
            if !literal.is_array() && !literal.is_object() =>
        {
            Ok(json!([operator, path(value)?, literal]))
        }
        _ => Err(format!("{subject:?} is no comparison with a literal")),
    }
}

/// A path downwards from the view, as names between dots.
fn path(parameter: &Parameter) -> Result<String, String> {
    match parameter {
        Parameter::Path(_) => {}
        other => return Err(format!("{other:?} is no path")),
    }
    let raw = parameter.as_name().unwrap_or_default();
    let is_plain = !raw.is_empty() && raw.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    match raw {
        "this" => Ok(String::new()),
        _ if is_plain && !raw.starts_with('.') => Ok(raw.to_owned()),
        _ => Err(format!("{raw:?} is no path downwards")),
    }
}
