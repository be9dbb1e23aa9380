//! Every type that a Parquet file can have under every type that a table can have: the right values or one error.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use parquet::basic::{ConvertedType, Encoding, Type as PhysicalType};

use super::parquet::{ANNOTATIONS, ENCODINGS, FileOf, PHYSICAL, TABLE_TYPES, check_values, read};

/// Text of eight bytes a value, with letters of more than one byte.
const TEXT: &[u8] = "abcdefghgr\u{f6}\u{df}e 1hijklmno\u{20ac}\u{20ac}xypqrstuvw".as_bytes();

/// Two values each of which is text only together with the other.
const HALVES: &[u8] = b"aaaaaaa\xc3\xa9bbbbbbbaaaaaaa\xc3\xa9bbbbbbb";

/// What a table that says text reads of a column of bytes.
fn text(
    annotation: ConvertedType,
    encoding: Encoding,
    to: &DataType,
    bytes: &[u8],
) -> Result<ArrayRef, String> {
    let file = FileOf { physical: PhysicalType::BYTE_ARRAY, annotation, encoding };
    let batches = read(file.write(bytes).unwrap(), to, None).map_err(|error| error.to_string())?;
    Ok(batches[0].column(0).clone())
}

const TEXT_ENCODINGS: [Encoding; 4] = [
    Encoding::RLE_DICTIONARY,
    Encoding::PLAIN,
    Encoding::DELTA_LENGTH_BYTE_ARRAY,
    Encoding::DELTA_BYTE_ARRAY,
];

#[test]
fn bytes_become_text_only_if_each_value_is_whatever_the_file_says_of_them() {
    use ConvertedType::{BSON, ENUM, JSON, NONE, UTF8};
    for annotation in [NONE, UTF8, JSON, ENUM, BSON] {
        for encoding in TEXT_ENCODINGS {
            for to in [DataType::Utf8, DataType::Utf8View] {
                let shown = format!("{annotation} in {encoding} as {to}");
                let values = text(annotation, encoding, &to, TEXT)
                    .map_err(|error| format!("{shown}: {error}"))
                    .unwrap();
                let values = arrow::compute::cast(&values, &DataType::Utf8).unwrap();
                let values: Vec<&str> = values.as_string::<i32>().iter().flatten().collect();
                assert_eq!(values.concat().as_bytes(), TEXT, "{shown}");
                let error = text(annotation, encoding, &to, HALVES).err().unwrap_or_default();
                assert!(error.contains("UTF-8") || error.contains("utf"), "{shown}: {error}");
            }
        }
    }
}

#[test]
fn each_type_of_a_file_under_each_type_of_a_table_gives_valid_values_or_an_error() {
    let (mut answered, mut refused) = (0, 0);
    for physical in PHYSICAL {
        for annotation in ANNOTATIONS {
            for encoding in ENCODINGS {
                let Ok(file) = (FileOf { physical, annotation, encoding }).write(TEXT) else { continue };
                for to in TABLE_TYPES.iter() {
                    match read(file.clone(), to, None) {
                        Ok(batches) => {
                            for batch in &batches {
                                assert_eq!(batch.column(0).data_type(), to);
                                check_values(batch.column(0));
                            }
                            answered += 1;
                        }
                        Err(_) => refused += 1,
                    }
                }
            }
        }
    }
    assert!(answered > 100 && refused > 100, "{answered} answered, {refused} refused");
}

#[test]
fn whole_numbers_are_what_the_file_holds_or_an_error() {
    // -1, 7, 127, 300, 40,000 and beyond 32 bits.
    let numbers: [i64; 6] = [-1, 7, 127, 300, 40_000, 5_000_000_000];
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    let narrow: Vec<i64> = numbers.iter().map(|number| i64::from(*number as i32)).collect();
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE};
    for (physical, annotations) in
        [(PhysicalType::INT32, &[NONE, INT_8, INT_16, INT_32][..]), (PhysicalType::INT64, &[NONE, INT_64])]
    {
        for annotation in annotations {
            let file = FileOf { physical, annotation: *annotation, encoding: Encoding::PLAIN };
            let file = file.write(&bytes).unwrap();
            for to in [DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64] {
                let Ok(batches) = read(file.clone(), &to, None) else { continue };
                let wide = arrow::compute::cast(batches[0].column(0), &DataType::Int64).unwrap();
                let found: Vec<i64> = wide.as_primitive::<Int64Type>().iter().flatten().collect();
                let expected = if physical == PhysicalType::INT32 { &narrow[..] } else { &numbers[..] };
                assert_eq!(found, expected, "{physical} {annotation} as {to}");
            }
        }
    }
}
