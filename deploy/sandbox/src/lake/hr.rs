//! Database `hr`: employees and departments of a company that does not exist.
//!
//! Every value follows from the employee's number by a generator with a fixed seed, so the lake is
//! the same on every machine, and parts can be made in any order. Nobody real can be described: names
//! are made of syllables, addresses end in `example.com`, and social security numbers begin with 9,
//! an area that is never issued.
//!
//! The data is made to tempt: NULLs in columns that row filters ask about, and notes that are mostly
//! numbers, so that a cast which is evaluated for a hidden row fails visibly.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::account::HR;
use super::{Part, Rows, SampleTable};

pub(super) const EMPLOYEES: i64 = 10_000;

/// Two files, so that even this table can show pruning by employee number.
const EMPLOYEES_PER_FILE: i64 = EMPLOYEES / 2;

const SEED: u64 = 0x1a4e_6a7e_5eed_0001;

/// Name, cost centre, and yearly budget in cents. The heads are employees 2 to 9.
const DEPARTMENTS: [(&str, &str, i128); 8] = [
    ("Engineering", "CC-1000", 1_840_000_000),
    ("Research", "CC-1100", 725_000_000),
    ("Sales", "CC-2000", 1_290_000_000),
    ("Marketing", "CC-2100", 560_000_000),
    ("Support", "CC-3000", 615_000_000),
    ("Operations", "CC-3100", 980_000_050),
    ("Finance", "CC-4000", 440_000_000),
    ("Legal", "CC-4100", 305_000_025),
];

/// The employee who has no superior; the heads of the departments report to them.
const DIRECTOR: i64 = 1;
const FIRST_HEAD: i64 = 2;
const REPORTS_PER_MANAGER: i64 = 8;

/// ISO country codes with their share in percent; the rest up to 100 is NULL.
const COUNTRIES: [(&str, u64); 12] = [
    ("US", 18),
    ("DE", 16),
    ("FR", 14),
    ("IT", 9),
    ("GB", 8),
    ("ES", 8),
    ("NL", 6),
    ("PL", 6),
    ("CA", 5),
    ("IN", 4),
    ("JP", 2),
    ("BR", 2),
];

const SYLLABLES: [&str; 20] = [
    "ba", "dri", "fen", "gu", "hal", "ji", "ke", "lo", "mar", "ni", "or", "pa", "que", "ro", "sti", "tu",
    "vel", "wi", "xa", "zen",
];

const REMARKS: [&str; 5] = ["part time", "see file", "n/a", "on leave", "7 days carried over"];

/// Days from 1970-01-01 to 2004-01-01, when the first employee was hired.
const FIRST_DAY_OF_BUSINESS: i32 = 12_418;
const DAYS_OF_HIRING: u64 = 7_600;

/// The tables of the database.
pub(super) fn tables() -> Vec<SampleTable> {
    vec![
        SampleTable {
            database: HR,
            name: "departments",
            comment: "Departments and what they may spend",
            column_comments: &[
                ("head_id", "Refers to employees"),
                ("budget", "Yearly budget in euros; confidential"),
            ],
            partition_columns: &[],
            schema: departments_schema(),
            parts: vec![part(departments)],
        },
        SampleTable {
            database: HR,
            name: "employees",
            comment: "Everyone who works or worked here; personal data",
            column_comments: &[
                ("id", "Primary key"),
                ("ssn", "Social security number; strictly confidential"),
                ("salary", "Yearly salary in euros; confidential"),
                ("country", "ISO 3166 code of the place of work"),
                ("manager_id", "Refers to employees; NULL at the top and for contractors"),
                ("rating", "Last yearly review, 1.0 to 5.0"),
                ("notes", "Free text, mostly days of leave"),
            ],
            partition_columns: &[],
            schema: employees_schema(),
            parts: (0..EMPLOYEES / EMPLOYEES_PER_FILE)
                .map(|file| file * EMPLOYEES_PER_FILE + 1)
                .map(|first| part(move || employees(first, first + EMPLOYEES_PER_FILE)))
                .collect(),
        },
    ]
}

fn part(batch: impl FnOnce() -> Result<RecordBatch, ArrowError> + Send + 'static) -> Part {
    Box::new(move || Box::new(std::iter::once(batch())) as Rows)
}

fn employees_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("email", DataType::Utf8, true),
        Field::new("ssn", DataType::Utf8, false),
        Field::new("salary", DataType::Decimal128(12, 2), true),
        Field::new("country", DataType::Utf8, true),
        Field::new("department", DataType::Utf8, true),
        Field::new("hired_on", DataType::Date32, false),
        Field::new("manager_id", DataType::Int64, true),
        Field::new("active", DataType::Boolean, false),
        Field::new("rating", DataType::Float64, true),
        Field::new("notes", DataType::Utf8, true),
    ]))
}

fn departments_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, false),
        Field::new("cost_center", DataType::Utf8, false),
        Field::new("head_id", DataType::Int64, false),
        Field::new("budget", DataType::Decimal128(14, 2), false),
    ]))
}

fn departments() -> Result<RecordBatch, ArrowError> {
    let budgets = DEPARTMENTS.iter().map(|(_, _, budget)| *budget);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(DEPARTMENTS.iter().map(|(name, _, _)| name))),
        Arc::new(StringArray::from_iter_values(DEPARTMENTS.iter().map(|(_, cost_center, _)| cost_center))),
        Arc::new(Int64Array::from_iter_values((FIRST_HEAD..).take(DEPARTMENTS.len()))),
        Arc::new(Decimal128Array::from_iter_values(budgets).with_precision_and_scale(14, 2)?),
    ];
    RecordBatch::try_new(departments_schema(), columns)
}

/// Employees `first` up to, without, `end`.
fn employees(first: i64, end: i64) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<Employee> = (first..end).map(Employee::numbered).collect();
    let salaries = rows.iter().map(|row| row.salary_cents);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.id))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.name))),
        Arc::new(rows.iter().map(|row| row.email.as_deref()).collect::<StringArray>()),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.ssn))),
        Arc::new(salaries.collect::<Decimal128Array>().with_precision_and_scale(12, 2)?),
        Arc::new(rows.iter().map(|row| row.country).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.department).collect::<StringArray>()),
        Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.hired_on))),
        Arc::new(rows.iter().map(|row| row.manager_id).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.active)).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.rating).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.notes.as_deref()).collect::<StringArray>()),
    ];
    RecordBatch::try_new(employees_schema(), columns)
}

struct Employee {
    id: i64,
    name: String,
    email: Option<String>,
    ssn: String,
    salary_cents: Option<i128>,
    country: Option<&'static str>,
    department: Option<&'static str>,
    /// Days since 1970-01-01.
    hired_on: i32,
    manager_id: Option<i64>,
    active: bool,
    rating: Option<f64>,
    notes: Option<String>,
}

impl Employee {
    fn numbered(id: i64) -> Employee {
        let mut random = Random::for_employee(id);
        let given_name = random.word(2);
        let family_name = random.word(3);
        let email = format!("{}.{}.{id}@example.com", given_name.to_lowercase(), family_name.to_lowercase());
        let ssn =
            format!("9{:02}-{:02}-{:04}", random.below(100), 1 + random.below(49), 1 + random.below(9999));
        Employee {
            id,
            name: format!("{given_name} {family_name}"),
            email: random.unless_percent(5, email),
            ssn,
            salary_cents: {
                let cents = 2_600_000 + i128::from(random.below(12_000_000));
                random.unless_percent(3, cents)
            },
            country: random.country(),
            department: department(id),
            hired_on: FIRST_DAY_OF_BUSINESS + random.below(DAYS_OF_HIRING) as i32,
            manager_id: manager(id).and_then(|manager| random.unless_percent(4, manager)),
            active: !random.percent(9),
            rating: {
                let tenths = 10 + random.below(41) as u32;
                random.unless_percent(10, f64::from(tenths) / 10.0)
            },
            notes: random.notes(),
        }
    }
}

/// The superior in a tree whose root is the director and whose first level are the heads.
fn manager(id: i64) -> Option<i64> {
    (id != DIRECTOR).then(|| (id - FIRST_HEAD) / REPORTS_PER_MANAGER + DIRECTOR)
}

/// The department of the head somewhere above; the director belongs to none.
fn department(id: i64) -> Option<&'static str> {
    let mut ancestor = id;
    while manager(ancestor)? != DIRECTOR {
        ancestor = manager(ancestor)?;
    }
    let index = usize::try_from(ancestor - FIRST_HEAD).ok()?;
    DEPARTMENTS.get(index).map(|(name, _, _)| *name)
}

/// SplitMix64 (Steele, Lea, Flood 2014): three lines, no dependency whose next version might yield
/// another lake.
struct Random(u64);

impl Random {
    fn for_employee(id: i64) -> Random {
        let mut spread = Random(SEED ^ id.unsigned_abs());
        Random(spread.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True in that many of a hundred cases.
    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// The value, or NULL in that many of a hundred cases.
    fn unless_percent<T>(&mut self, share_of_nulls: u64, value: T) -> Option<T> {
        (!self.percent(share_of_nulls)).then_some(value)
    }

    fn choice(&mut self, from: &[&'static str]) -> &'static str {
        let index = self.below(from.len() as u64) as usize;
        from[index]
    }

    /// A capitalised word of that many syllables.
    fn word(&mut self, syllables: usize) -> String {
        let word: String = (0..syllables).map(|_| self.choice(&SYLLABLES)).collect();
        let (initial, rest) = word.split_at(1);
        initial.to_uppercase() + rest
    }

    fn country(&mut self) -> Option<&'static str> {
        let mut draw = self.below(100);
        for (code, share) in COUNTRIES {
            if draw < share {
                return Some(code);
            }
            draw -= share;
        }
        None
    }

    fn notes(&mut self) -> Option<String> {
        match self.below(10) {
            0 => None,
            1 | 2 => Some(self.choice(&REMARKS).to_owned()),
            _ => Some(self.below(31).to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
