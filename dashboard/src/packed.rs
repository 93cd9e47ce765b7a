//! Views of many rows in little room: what they share is written once, a figure is its kind, origin and number.
//!
//! A view is packed into JSON that `assets/packed.js` unpacks into the same view:
//!
//! ```text
//! value  = null | true | false | number | short string
//!        | [shared]                             the entry of that number in `shared`
//!        | [-1, value …]                        a list
//!        | [-2 - kind, from, number, error?, bound?]
//!                                               a figure that `figure.js` makes, by its kind in FIGURES
//!        | [shape, value …]                     an object; `shapes` has the names of its fields
//! ```
//!
//! Where all rows are alike but for some values, as points and blocks are, [`Packed::framed`] writes what is alike once:
//! `frame` is the packed view with `{}` for each value that differs, and a row is these values in their order.
//!
//! A tab in a pointer stands for the pointer of the view's own row; no text that is shown holds one
//! ([`crate::text::visible`]), nor does a pointer of the document that we make.

use crate::figure::{Figure, Whole};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// A string or an object that takes more is written once.
const SHORT: usize = 6;

/// What the views of a list share, and the views.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Packed {
    /// Pointer to the list of the document that the views tell of.
    pub list: &'static str,
    /// Of which of its rows each does; none: of those in the list's order, all of them.
    pub index: Vec<usize>,
    /// Names of the fields of objects.
    pub shapes: Vec<Vec<String>>,
    /// Strings and objects that occur in more than one place, or might.
    pub shared: Vec<Value>,
    /// What all rows are alike in; null: each row is whole.
    pub frame: Value,
    /// The views, or what they differ in.
    pub rows: Vec<Value>,
    #[serde(skip)]
    shape_numbers: HashMap<Vec<String>, usize>,
    #[serde(skip)]
    shared_numbers: HashMap<String, usize>,
    #[serde(skip)]
    bytes: usize,
}

/// Which maker of `figure.js` makes a figure, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Figure::estimated_bytes`].
    Bytes = 0,
    /// [`Figure::ms`].
    Ms = 2,
}

/// What a figure is made of: its number, if it was measured, and its error, if it has one.
pub type Number = (Kind, Option<u64>, Option<u64>);

/// How `figure.js` makes a figure, in the order of its list.
type Maker = fn(&str, u64, Option<u64>) -> Option<Figure>;
const FIGURES: [Maker; 6] = [
    |from, value, error| Some(Figure::estimated_bytes(from, value, error)),
    |from, value, error| Some(Figure::estimated_count(from, value, error)),
    |from, value, error| error.is_none().then(|| Figure::ms(from, value)),
    |from, value, error| error.is_none().then(|| Figure::us(from, value)),
    |from, value, error| error.is_none().then(|| Figure::name(from, value)),
    |from, value, error| error.is_none().then(|| Figure::address(from, value)),
];

impl Packed {
    /// Bytes of JSON that all of it takes, to within a few for each entry.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// None yet, of rows of the list at the pointer `list`.
    pub fn of(list: &'static str) -> Self {
        Self { list, ..Self::default() }
    }

    /// Framed views that are `fields` alone, each a figure of its name, from that place in its row, or nothing in all of them:
    /// of long lists, quicker than by [`push`](Self::push) and to the same end.
    pub fn of_figures<const FIELDS: usize>(
        list: &'static str,
        fields: [(&str, &str); FIELDS],
        rows: impl Iterator<Item = (usize, [Option<Number>; FIELDS])>,
    ) -> Self {
        let mut packed = Self::of(list);
        for (index, figures) in rows {
            if packed.rows.is_empty() {
                packed.shapes = vec![fields.iter().map(|(name, _)| (*name).to_owned()).collect()];
                let told = fields.iter().zip(&figures).filter(|(_, figure)| figure.is_some());
                packed.shared = told.map(|((_, from), _)| json!(format!("\t{from}"))).collect();
            }
            let mut place = 0_usize;
            let figure = |number: Option<Number>| {
                let Some((kind, value, error)) = number else { return Value::Null };
                let mut figure =
                    vec![json!(-2 - kind as i64), json!([place]), value.map_or(Value::Null, exact)];
                figure.extend(error.map(exact));
                place += 1;
                Value::Array(figure)
            };
            let row = std::iter::once(json!(0)).chain(figures.into_iter().map(figure));
            packed.rows.push(row.collect());
            packed.index.push(index);
        }
        packed.framed()
    }

    /// Packs `view`, which tells of the row `index` of the list.
    pub fn push(&mut self, index: usize, view: &impl Serialize) {
        let view = serde_json::to_value(view).expect("a view is plain data");
        let (packed, _) = self.value(&view, &format!("{}/{index}/", self.list));
        self.bytes += packed.to_string().len() + 8;
        self.rows.push(packed);
        self.index.push(index);
    }

    /// The same with what all rows are alike in written once, if they are alike in their form.
    pub fn framed(mut self) -> Self {
        let Some((first, others)) = self.rows.split_first() else { return self };
        let mut of_first = Vec::new();
        leaves(first, &mut |leaf| of_first.push(leaf));
        let mut differs = vec![false; of_first.len()];
        let mut own = Vec::new();
        for row in others {
            if !is_alike(first, row) {
                return self;
            }
            own.clear();
            leaves(row, &mut |leaf| own.push(leaf));
            for ((differs, own), of_first) in differs.iter_mut().zip(&own).zip(&of_first) {
                *differs |= own != of_first;
            }
        }
        let mut frame = first.clone();
        let mut place = differs.iter();
        holes(&mut frame, &mut place);
        for row in &mut self.rows {
            let mut kept = Vec::new();
            let mut place = differs.iter();
            leaves(row, &mut |leaf| {
                kept.extend(place.next().filter(|differs| **differs).map(|_| leaf.clone()))
            });
            *row = Value::Array(kept);
        }
        self.frame = frame;
        self
    }

    /// `value` packed, and whether it tells of the view's own row.
    fn value(&mut self, value: &Value, base: &str) -> (Value, bool) {
        match value {
            Value::String(text) => (self.share(value.clone(), text.len()), false),
            Value::Array(rows) => {
                let rows: Vec<_> = rows.iter().map(|row| self.value(row, base)).collect();
                let is_own = rows.iter().any(|(_, is_own)| *is_own);
                let list = std::iter::once(json!(-1)).chain(rows.into_iter().map(|(row, _)| row));
                (list.collect(), is_own)
            }
            Value::Object(fields) => {
                if let Some(figure) = self.figure(value, base) {
                    return figure;
                }
                self.object(fields, base)
            }
            other => (other.clone(), false),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, base: &str) -> (Value, bool) {
        let names: Vec<String> = fields.keys().cloned().collect();
        let next = self.shapes.len();
        let shape = *self.shape_numbers.entry(names.clone()).or_insert(next);
        if shape == next {
            self.bytes += names.iter().map(|name| name.len() + 3).sum::<usize>();
            self.shapes.push(names);
        }
        let mut packed = vec![json!(shape)];
        let mut is_own = false;
        for (name, value) in fields {
            let (value, is_of_own) = match value {
                Value::String(from) if name == "from" => self.pointer(from, base),
                other => self.value(other, base),
            };
            is_own |= is_of_own;
            packed.push(value);
        }
        let packed = Value::Array(packed);
        if is_own { (packed, true) } else { (self.share(packed, usize::MAX), false) }
    }

    /// The figure that `view` is, if one of the makers makes it.
    fn figure(&mut self, view: &Value, base: &str) -> Option<(Value, bool)> {
        let fields = view.as_object()?;
        let from = fields.get("from")?.as_str()?;
        let whole = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let value = fields.get("value")?;
        let [error, bound] = ["error", "bound"].map(|name| &view[name]["value"]);
        let (kind, number) = match value {
            Value::Null => {
                let absent = serde_json::to_value(Figure::count(from, None)).ok()?;
                // Of whichever kind it is; that of bytes, so that rows with and without them are alike in form.
                (absent.as_object() == Some(fields)).then_some((0, Value::Null))?
            }
            _ => {
                let number = whole(value)?;
                let is_made = |make: &Maker| {
                    let made = make(from, number, whole(error));
                    made.is_some_and(|made| is_same(&made.with_upper_bound(whole(bound)), view))
                };
                (FIGURES.iter().position(is_made)?, value.clone())
            }
        };
        let (from, is_own) = self.pointer(from, base);
        let mut packed = vec![json!(-2 - i64::try_from(kind).ok()?), from, number];
        let is_known = [!error.is_null() || !bound.is_null(), !bound.is_null()];
        packed.extend(
            [error, bound].into_iter().zip(is_known).filter(|(_, known)| *known).map(|(one, _)| one.clone()),
        );
        Some((Value::Array(packed), is_own))
    }

    fn pointer(&mut self, from: &str, base: &str) -> (Value, bool) {
        let own = from.replace(base, "\t");
        let is_own = own.contains('\t');
        (self.share(Value::String(own), from.len()), is_own)
    }

    /// `value`, or where it stands among what is shared.
    fn share(&mut self, value: Value, length: usize) -> Value {
        if length <= SHORT {
            return value;
        }
        let text = value.to_string();
        let next = self.shared.len();
        let bytes = text.len();
        let number = *self.shared_numbers.entry(text).or_insert(next);
        if number == next {
            self.bytes += bytes + 1;
            self.shared.push(value);
        }
        json!([number])
    }
}

/// A whole number as JSON of a figure holds it.
fn exact(number: u64) -> Value {
    serde_json::to_value(Whole(number)).expect("a number is plain data")
}

/// What may differ between rows of one form: all but lists, and what is shared.
fn is_leaf(value: &Value) -> bool {
    value.as_array().is_none_or(|list| list.len() == 1)
}

/// The leaves of a packed value, in order. The first entry of a list says what it is.
fn leaves<'a>(value: &'a Value, each: &mut impl FnMut(&'a Value)) {
    match value {
        Value::Array(list) if !is_leaf(value) => list[1..].iter().for_each(|entry| leaves(entry, each)),
        leaf => each(leaf),
    }
}

/// Whether two packed values differ in leaves only.
fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(a), Value::Array(b)) if !is_leaf(one) && !is_leaf(other) => {
            a.len() == b.len()
                && a.first() == b.first()
                && a.iter().zip(b).skip(1).all(|(a, b)| is_alike(a, b))
        }
        _ => is_leaf(one) && is_leaf(other),
    }
}

/// Puts `{}` in the place of each leaf that differs.
fn holes<'a>(value: &mut Value, differs: &mut impl Iterator<Item = &'a bool>) {
    match value {
        Value::Array(list) if list.len() != 1 => list[1..].iter_mut().for_each(|entry| holes(entry, differs)),
        leaf if differs.next() == Some(&true) => *leaf = json!({}),
        _ => {}
    }
}

/// Whether `view` is that of `figure`, which was made of its numbers.
fn is_same(figure: &Figure, view: &Value) -> bool {
    let within = |one: &Option<Box<Figure>>, view: &Value| match one {
        None => view.is_null(),
        Some(figure) => is_same(figure, view),
    };
    view["text"] == *figure.text
        && view["from"] == *figure.from
        && view["title"].as_str() == figure.title.as_deref()
        && within(&figure.error, &view["error"])
        && within(&figure.bound, &view["bound"])
}
