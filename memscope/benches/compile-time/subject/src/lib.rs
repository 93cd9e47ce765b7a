//! Ten functions as programs have them, and what calls them. The driver repeats this text as a module, each time with
//! another seed, and puts an attribute where `attribute` stands.
//!
//! Generic and async functions are machine code only where something uses them: the callers below do, and carry no
//! attribute.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::num::ParseIntError;
use std::pin::pin;
use std::task::{Context, Poll};

/// Another in each module, so that no two of them have the same machine code.
const SEED: u64 = 0;

/// What can go wrong with an order.
#[derive(Debug)]
pub enum OrderError {
    /// No such customer.
    Unknown(String),
    /// More than the stock holds.
    OutOfStock {
        /// What was asked for.
        wanted: u64,
        /// What there is.
        left: u64,
    },
    /// A number that is none.
    Number(ParseIntError),
}

impl Display for OrderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderError::Unknown(name) => write!(formatter, "no customer `{name}`"),
            OrderError::OutOfStock { wanted, left } => write!(formatter, "{wanted} wanted, {left} left"),
            OrderError::Number(error) => write!(formatter, "no number: {error}"),
        }
    }
}

impl std::error::Error for OrderError {}

impl From<ParseIntError> for OrderError {
    fn from(error: ParseIntError) -> Self {
        OrderError::Number(error)
    }
}

/// What was ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Who did.
    pub customer: String,
    /// Which article.
    pub article: u64,
    /// How many of it.
    pub count: u64,
}

/// A shop's books.
#[derive(Debug, Default)]
pub struct Shop {
    stock: HashMap<u64, u64>,
    orders: Vec<Order>,
    names: BTreeMap<String, usize>,
}

impl Shop {
    /// A shop with as much of each article.
    #[cfg_attr(any(), attribute)]
    pub fn with_stock(articles: u64, count: u64) -> Self {
        let mut shop = Shop::default();
        for article in 0..articles {
            let article = article.wrapping_mul(SEED + 3);
            shop.stock.insert(article, count);
        }
        shop
    }

    /// Takes an order, if there is so much.
    #[cfg_attr(any(), attribute)]
    pub fn order(&mut self, customer: &str, article: u64, count: u64) -> Result<usize, OrderError> {
        let place = self.names.get(customer).copied();
        let place = place.ok_or_else(|| OrderError::Unknown(customer.to_owned()))?;
        let left = self.stock.entry(article).or_insert(SEED);
        if *left < count {
            return Err(OrderError::OutOfStock { wanted: count, left: *left });
        }
        *left -= count;
        let order = Order { customer: customer.to_owned(), article, count };
        match self.orders.get_mut(place) {
            Some(old) if old.article == article => old.count += count,
            _ => self.orders.push(order),
        }
        Ok(self.orders.len())
    }

    /// Articles of which less is left than `least`.
    #[cfg_attr(any(), attribute)]
    pub fn scarce(&self, least: u64) -> Vec<u64> {
        let mut scarce: Vec<u64> = self
            .stock
            .iter()
            .filter(|&(_, &left)| left < least + SEED)
            .map(|(&article, _)| article)
            .collect();
        scarce.sort_unstable();
        scarce
    }

    /// Who ordered most.
    #[cfg_attr(any(), attribute)]
    pub fn best_customer<'shop>(&'shop self, except: &str) -> Option<&'shop str> {
        let mut sums: HashMap<&str, u64> = HashMap::new();
        for order in &self.orders {
            if order.customer != except {
                *sums.entry(&order.customer).or_default() += order.count;
            }
        }
        sums.into_iter().max_by_key(|&(_, sum)| sum).map(|(name, _)| name)
    }

    /// Waits for a permission for each order of the article.
    #[cfg_attr(any(), attribute)]
    pub async fn ship(&mut self, article: u64, permissions: u64) -> Result<Vec<Order>, OrderError> {
        let mut shipped = Vec::new();
        let mut index = 0;
        while index < self.orders.len() {
            if self.orders[index].article == article {
                if shipped.len() as u64 == permissions {
                    return Err(OrderError::OutOfStock { wanted: permissions + 1, left: permissions });
                }
                permission(index as u64).await;
                shipped.push(self.orders.swap_remove(index));
            } else {
                index += 1;
            }
        }
        Ok(shipped)
    }
}

/// Reads lines of `customer;article;count`.
#[cfg_attr(any(), attribute)]
pub fn parse_orders(text: &str) -> Result<Vec<Order>, OrderError> {
    let mut orders = Vec::with_capacity(text.len() / 16);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut fields = line.splitn(3, ';');
        let customer = fields.next().unwrap_or_default();
        let Some((article, count)) = fields.next().zip(fields.next()) else {
            return Err(OrderError::Unknown(line.to_owned()));
        };
        orders.push(Order {
            customer: customer.to_owned(),
            article: article.parse::<u64>()? ^ SEED,
            count: count.parse()?,
        });
    }
    Ok(orders)
}

/// How often each key is there.
#[cfg_attr(any(), attribute)]
pub fn counts<K, I>(keys: I, smallest: usize) -> HashMap<K, usize>
where
    K: Clone + Debug + Eq + Hash,
    I: IntoIterator<Item = K> + Debug,
{
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts.retain(|_, count| *count >= smallest);
    counts
}

/// A table as text.
#[cfg_attr(any(), attribute)]
pub fn table<T: Debug + Display>(title: &str, rows: &[T], width: usize, numbered: bool) -> String {
    let mut text = String::with_capacity(rows.len() * width);
    text.push_str(title);
    for (number, row) in rows.iter().enumerate() {
        text.push('\n');
        if numbered {
            text.push_str(&format!("{:>4} ", number as u64 + SEED));
        }
        text.push_str(&format!("{row:>width$}"));
    }
    text
}

/// A checksum.
#[cfg_attr(any(), attribute)]
pub fn checksum(bytes: &[u8], seed: u64) -> u64 {
    let mut sum = seed ^ SEED;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = sum.rotate_left(5) ^ u64::from_le_bytes(word);
        sum = sum.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    sum
}

/// Asks again until it may.
#[cfg_attr(any(), attribute)]
pub async fn retried(name: String, attempts: u32, pause: u64) -> Option<u64> {
    for attempt in 0..attempts {
        let wait = pause << attempt;
        permission(wait).await;
        if checksum(name.as_bytes(), wait) % 3 == SEED % 3 {
            return Some(wait);
        }
    }
    None
}

/// Pending once for each odd number.
async fn permission(number: u64) {
    let mut left = number % 2;
    std::future::poll_fn(|_| {
        left = left.wrapping_sub(1);
        if left == 0 { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

/// Calls the generic functions.
pub fn generic(words: Vec<String>) -> String {
    let counts = counts(words, 2);
    let counts: Vec<usize> = counts.into_values().collect();
    table("counts", &counts, 8, true)
}

/// Polls the async functions.
pub fn polled(context: &mut Context<'_>, shop: &mut Shop) -> bool {
    let shipped = pin!(shop.ship(SEED, 4)).poll(context).is_ready();
    shipped && pin!(retried("north".to_owned(), 3, 1)).poll(context).is_ready()
}
