//! The shape of Parquet's own structures, checked before the reader decodes them.
//!
//! The reader reserves memory for as many row groups and page locations as a file announces, follows groups of columns as
//! deep as they are nested, and does not compare the type of a field with the one that it expects. Here the same bytes are
//! walked by the same grammar, without keeping anything: a list announces no more elements than bytes follow, and a known
//! field has its type. What passes costs the reader a small multiple of its own bytes.
//!
//! Source: Thrift compact protocol; `parquet.thrift` of the format.

/// What a field holds.
pub(super) enum Wire {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Binary,
    Struct(&'static Layout),
    List(&'static Wire),
}

/// The known fields of a structure. Others may follow, and are left out as the reader does.
pub(super) struct Layout {
    part: Part,
    fields: &'static [(i16, Wire)],
}

/// What is told of while a structure is walked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    Footer,
    SchemaElement,
    Page,
    DataPage,
    DictionaryPage,
    DataPageV2,
    PageLocation,
    Other,
}

/// A step of a walk.
pub(super) enum Step {
    /// A number of a field.
    Number(i16, i64),
    /// A list with so many elements begins.
    List(i16, usize),
    End,
}

/// Most structures inside of each other, as in the reader.
const DEEPEST: u8 = 64;

/// Walks one structure at the start of `bytes`.
///
/// # Arguments
/// * `see` - is told each step, and stops the walk with `None`.
///
/// Gives the structure's length in bytes, or `None` if it is broken.
pub(super) fn walk(
    bytes: &[u8],
    layout: &'static Layout,
    see: &mut dyn FnMut(Part, Step) -> Option<()>,
) -> Option<usize> {
    let mut input = Input { bytes, at: 0 };
    input.structure(layout, DEEPEST, see)?;
    Some(input.at)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        let count = usize::try_from(count).ok()?;
        let end = self.at.checked_add(count)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            if shift < 64 {
                number |= u64::from(byte & 0x7f) << shift;
            }
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    fn structure(
        &mut self,
        layout: &'static Layout,
        depth: u8,
        see: &mut dyn FnMut(Part, Step) -> Option<()>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut id = 0_i16;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return see(layout.part, Step::End);
            }
            id = match head >> 4 {
                0 => i16::try_from(self.number()?).ok()?,
                delta => id.checked_add(i16::from(delta))?,
            };
            match layout.fields.iter().find(|(known, _)| *known == id) {
                Some((_, wire)) => self.field(layout.part, id, wire, kind, depth, see)?,
                None => self.skip(kind, depth)?,
            }
        }
    }

    fn field(
        &mut self,
        part: Part,
        id: i16,
        wire: &'static Wire,
        kind: u8,
        depth: u8,
        see: &mut dyn FnMut(Part, Step) -> Option<()>,
    ) -> Option<()> {
        match (wire, kind) {
            (Wire::Bool, 1 | 2) => see(part, Step::Number(id, i64::from(kind == 1))),
            (Wire::Byte, 3) => self.byte().map(drop),
            (Wire::I16, 4) | (Wire::I32, 5) | (Wire::I64, 6) => {
                let number = self.number()?;
                see(part, Step::Number(id, number))
            }
            (Wire::Binary, 8) => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            (Wire::Struct(layout), 12) => self.structure(layout, depth, see),
            (Wire::List(element), 9) => {
                let (size, kind) = self.list()?;
                see(part, Step::List(id, size))?;
                for _ in 0..size {
                    match (element, kind) {
                        (Wire::Bool, 1 | 2) => self.byte().map(drop)?,
                        _ => self.field(Part::Other, 0, element, kind, depth, see)?,
                    }
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Number and kind of a list's elements.
    fn list(&mut self) -> Option<(usize, u8)> {
        let head = self.byte()?;
        let size = match head >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            small => usize::from(small),
        };
        // Each element takes a byte at the least.
        (size <= self.bytes.len() - self.at).then_some((size, head & 0x0f))
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.skip_bytes(8),
            8 => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            9 | 10 => {
                let (size, kind) = self.list()?;
                for _ in 0..size {
                    self.skip_element(kind, depth)?;
                }
                Some(())
            }
            11 => self.skip_map(depth),
            12 => {
                while let Some(head) = self.byte() {
                    if head & 0x0f == 0 {
                        return Some(());
                    }
                    if head >> 4 == 0 {
                        self.varint()?;
                    }
                    self.skip(head & 0x0f, depth)?;
                }
                None
            }
            13 => self.skip_bytes(16),
            _ => None,
        }
    }

    /// In a list and a map, a boolean takes a byte.
    fn skip_element(&mut self, kind: u8, depth: u8) -> Option<()> {
        if matches!(kind, 1 | 2) { self.byte().map(drop) } else { self.skip(kind, depth) }
    }

    fn skip_map(&mut self, depth: u8) -> Option<()> {
        let size = self.varint()?;
        if size == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        for _ in 0..size {
            self.skip_element(kinds >> 4, depth)?;
            self.skip_element(kinds & 0x0f, depth)?;
        }
        Some(())
    }
}

const fn other(fields: &'static [(i16, Wire)]) -> Layout {
    Layout { part: Part::Other, fields }
}

static EMPTY: Layout = other(&[]);
static KEY_VALUE: Layout = other(&[(1, Wire::Binary), (2, Wire::Binary)]);
static DECIMAL: Layout = other(&[(1, Wire::I32), (2, Wire::I32)]);
static TIME_UNIT: Layout =
    other(&[(1, Wire::Struct(&EMPTY)), (2, Wire::Struct(&EMPTY)), (3, Wire::Struct(&EMPTY))]);
static TIME: Layout = other(&[(1, Wire::Bool), (2, Wire::Struct(&TIME_UNIT))]);
static INTEGER: Layout = other(&[(1, Wire::Byte), (2, Wire::Bool)]);
static VARIANT: Layout = other(&[(1, Wire::Byte)]);
static GEOMETRY: Layout = other(&[(1, Wire::Binary)]);
static GEOGRAPHY: Layout = other(&[(1, Wire::Binary), (2, Wire::I32)]);
static LOGICAL_TYPE: Layout = other(&[
    (1, Wire::Struct(&EMPTY)),
    (2, Wire::Struct(&EMPTY)),
    (3, Wire::Struct(&EMPTY)),
    (4, Wire::Struct(&EMPTY)),
    (5, Wire::Struct(&DECIMAL)),
    (6, Wire::Struct(&EMPTY)),
    (7, Wire::Struct(&TIME)),
    (8, Wire::Struct(&TIME)),
    (10, Wire::Struct(&INTEGER)),
    (11, Wire::Struct(&EMPTY)),
    (12, Wire::Struct(&EMPTY)),
    (13, Wire::Struct(&EMPTY)),
    (14, Wire::Struct(&EMPTY)),
    (15, Wire::Struct(&EMPTY)),
    (16, Wire::Struct(&VARIANT)),
    (17, Wire::Struct(&GEOMETRY)),
    (18, Wire::Struct(&GEOGRAPHY)),
]);
static SCHEMA_ELEMENT: Layout = Layout {
    part: Part::SchemaElement,
    fields: &[
        (1, Wire::I32),
        (2, Wire::I32),
        (3, Wire::I32),
        (4, Wire::Binary),
        (5, Wire::I32),
        (6, Wire::I32),
        (7, Wire::I32),
        (8, Wire::I32),
        (9, Wire::I32),
        (10, Wire::Struct(&LOGICAL_TYPE)),
    ],
};
static STATISTICS: Layout = other(&[
    (1, Wire::Binary),
    (2, Wire::Binary),
    (3, Wire::I64),
    (4, Wire::I64),
    (5, Wire::Binary),
    (6, Wire::Binary),
    (7, Wire::Bool),
    (8, Wire::Bool),
]);
static ENCODING_STATISTICS: Layout = other(&[(1, Wire::I32), (2, Wire::I32), (3, Wire::I32)]);
static SIZE_STATISTICS: Layout =
    other(&[(1, Wire::I64), (2, Wire::List(&Wire::I64)), (3, Wire::List(&Wire::I64))]);
static COLUMN_METADATA: Layout = other(&[
    (1, Wire::I32),
    (2, Wire::List(&Wire::I32)),
    (3, Wire::List(&Wire::Binary)),
    (4, Wire::I32),
    (5, Wire::I64),
    (6, Wire::I64),
    (7, Wire::I64),
    (8, Wire::List(&Wire::Struct(&KEY_VALUE))),
    (9, Wire::I64),
    (10, Wire::I64),
    (11, Wire::I64),
    (12, Wire::Struct(&STATISTICS)),
    (13, Wire::List(&Wire::Struct(&ENCODING_STATISTICS))),
    (14, Wire::I64),
    (15, Wire::I32),
    (16, Wire::Struct(&SIZE_STATISTICS)),
]);
static COLUMN_CHUNK: Layout = other(&[
    (1, Wire::Binary),
    (2, Wire::I64),
    (3, Wire::Struct(&COLUMN_METADATA)),
    (4, Wire::I64),
    (5, Wire::I32),
    (6, Wire::I64),
    (7, Wire::I32),
]);
static SORTING_COLUMN: Layout = other(&[(1, Wire::I32), (2, Wire::Bool), (3, Wire::Bool)]);
static ROW_GROUP: Layout = other(&[
    (1, Wire::List(&Wire::Struct(&COLUMN_CHUNK))),
    (2, Wire::I64),
    (3, Wire::I64),
    (4, Wire::List(&Wire::Struct(&SORTING_COLUMN))),
    (5, Wire::I64),
    (6, Wire::I64),
    (7, Wire::I16),
]);
static COLUMN_ORDER: Layout = other(&[(1, Wire::Struct(&EMPTY))]);

/// What stands at the end of a file.
pub(super) static FOOTER: Layout = Layout {
    part: Part::Footer,
    fields: &[
        (1, Wire::I32),
        (2, Wire::List(&Wire::Struct(&SCHEMA_ELEMENT))),
        (3, Wire::I64),
        (4, Wire::List(&Wire::Struct(&ROW_GROUP))),
        (5, Wire::List(&Wire::Struct(&KEY_VALUE))),
        (6, Wire::Binary),
        (7, Wire::List(&Wire::Struct(&COLUMN_ORDER))),
    ],
};

static DATA_PAGE: Layout = Layout {
    part: Part::DataPage,
    fields: &[(1, Wire::I32), (2, Wire::I32), (3, Wire::I32), (4, Wire::I32), (5, Wire::Struct(&STATISTICS))],
};
static DICTIONARY_PAGE: Layout =
    Layout { part: Part::DictionaryPage, fields: &[(1, Wire::I32), (2, Wire::I32), (3, Wire::Bool)] };
static DATA_PAGE_V2: Layout = Layout {
    part: Part::DataPageV2,
    fields: &[
        (1, Wire::I32),
        (2, Wire::I32),
        (3, Wire::I32),
        (4, Wire::I32),
        (5, Wire::I32),
        (6, Wire::I32),
        (7, Wire::Bool),
        (8, Wire::Struct(&STATISTICS)),
    ],
};

/// What stands in front of a page.
pub(super) static PAGE: Layout = Layout {
    part: Part::Page,
    fields: &[
        (1, Wire::I32),
        (2, Wire::I32),
        (3, Wire::I32),
        (4, Wire::I32),
        (5, Wire::Struct(&DATA_PAGE)),
        (6, Wire::Struct(&EMPTY)),
        (7, Wire::Struct(&DICTIONARY_PAGE)),
        (8, Wire::Struct(&DATA_PAGE_V2)),
    ],
};

static PAGE_LOCATION: Layout =
    Layout { part: Part::PageLocation, fields: &[(1, Wire::I64), (2, Wire::I32), (3, Wire::I64)] };

/// Where the pages of a column lie.
pub(super) static OFFSET_INDEX: Layout =
    other(&[(1, Wire::List(&Wire::Struct(&PAGE_LOCATION))), (2, Wire::List(&Wire::I64))]);
