//! Deletion vectors as Delta writes them, encoded here and not by the library that the server decodes with.
//!
//! ```text
//!   bitmap  := magic (LE u32) count (LE u64) { high (LE u32) roaring }           64-bit positions by their upper half
//!   roaring := 12346 (LE u32) containers (LE u32) { key, values - 1 (LE u16) } { offset (LE u32) } { value (LE u16) }
//!   file    := 1 (u8) { length (BE u32) bitmap crc32 (BE u32) }
//! ```

use serde_json::{Value, json};

/// "Portable" serialisation.
const MAGIC: u32 = 1_681_511_377;

/// Cookie of a Roaring bitmap without run containers.
const NO_RUNS: u32 = 12_346;

/// Cookie of one with run containers.
const WITH_RUNS: u32 = 12_347;

/// Values that an array container holds at the most.
const ARRAY_LIMIT: usize = 4096;

const Z85: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The bitmap of some row positions below 2³², which must be sorted.
pub(crate) fn bitmap(positions: &[u32]) -> Vec<u8> {
    let containers: Vec<&[u32]> = positions.chunk_by(|one, next| one >> 16 == next >> 16).collect();
    assert!(
        containers.iter().all(|values| values.len() <= ARRAY_LIMIT),
        "too many values for an array container"
    );
    let low = |position: &u32| u16::try_from(position & 0xffff).unwrap().to_le_bytes();
    let mut bytes = MAGIC.to_le_bytes().to_vec();
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(NO_RUNS.to_le_bytes());
    bytes.extend(length(containers.len()).to_le_bytes());
    for values in &containers {
        bytes.extend(u16::try_from(values[0] >> 16).unwrap().to_le_bytes());
        bytes.extend(u16::try_from(values.len() - 1).unwrap().to_le_bytes());
    }
    let mut offset = 8 + 8 * containers.len();
    for values in &containers {
        bytes.extend(length(offset).to_le_bytes());
        offset += 2 * values.len();
    }
    bytes.extend(positions.iter().flat_map(low));
    bytes
}

/// The descriptor of a vector that stands in the log itself.
pub(crate) fn inline(positions: &[u32]) -> Value {
    let bytes = bitmap(positions);
    json!({
        "storageType": "i",
        "pathOrInlineDv": z85(&bytes),
        "sizeInBytes": bytes.len(),
        "cardinality": positions.len(),
    })
}

/// A file with several vectors, and the descriptor of each. The file's name follows from `id`.
///
/// # Returns
/// The file's path, its content and the descriptors.
pub(crate) fn file(id: [u8; 16], vectors: &[&[u32]]) -> (String, Vec<u8>, Vec<Value>) {
    let mut content = vec![1];
    let mut descriptors = Vec::new();
    for positions in vectors {
        let bytes = bitmap(positions);
        descriptors.push(json!({
            "storageType": "u",
            "pathOrInlineDv": z85(&id),
            "offset": content.len(),
            "sizeInBytes": bytes.len(),
            "cardinality": positions.len(),
        }));
        content.extend(length(bytes.len()).to_be_bytes());
        content.extend(&bytes);
        content.extend(crc32(&bytes).to_be_bytes());
    }
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    (format!("deletion_vector_{uuid}.bin"), content, descriptors)
}

/// As [`file`], with one vector of any bytes.
pub(crate) fn file_of(id: [u8; 16], bytes: &[u8], cardinality: u64) -> (String, Vec<u8>, Value) {
    let (path, mut content, mut descriptors) = file(id, &[&[0]]);
    content.truncate(1);
    content.extend(length(bytes.len()).to_be_bytes());
    content.extend(bytes);
    content.extend(crc32(bytes).to_be_bytes());
    let mut descriptor = descriptors.remove(0);
    descriptor["sizeInBytes"] = json!(bytes.len());
    descriptor["cardinality"] = json!(cardinality);
    (path, content, descriptor)
}

/// The bitmap of all rows below 2^32, as one run in each container.
pub(crate) fn everything() -> Vec<u8> {
    const CONTAINERS: usize = 1 << 16;
    let mut bytes = MAGIC.to_le_bytes().to_vec();
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(((u32::from(u16::MAX) << 16) | WITH_RUNS).to_le_bytes());
    bytes.extend([0xff; CONTAINERS / 8]);
    for key in 0..=u16::MAX {
        bytes.extend(key.to_le_bytes());
        bytes.extend(u16::MAX.to_le_bytes());
    }
    bytes.extend([0; 4 * CONTAINERS]);
    for _ in 0..CONTAINERS {
        bytes.extend([1_u16, 0, u16::MAX].map(u16::to_le_bytes).concat());
    }
    bytes
}

/// Delta's base 85: five characters for four bytes.
pub(crate) fn z85(bytes: &[u8]) -> String {
    let padded = bytes.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_be_bytes(word)
    });
    let digit = |word: u32, power: u32| char::from(Z85[(word / 85_u32.pow(power) % 85) as usize]);
    padded.flat_map(|word| (0..5).rev().map(move |power| digit(word, power))).collect()
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap()
}

/// CRC-32 as in zip and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

/// Compared with vectors that Spark wrote.
#[test]
fn vectors_are_encoded_as_other_writers_do() {
    let inline = inline(&[3, 4, 7, 11, 18, 29]);
    assert_eq!(inline["pathOrInlineDv"], "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L");
    assert_eq!(inline["sizeInBytes"], 44);

    let id = [0x61, 0xd1, 0x6c, 0x75, 0x69, 0x94, 0x46, 0xb7, 0xa1, 0x5b, 0x8b, 0x53, 0x88, 0x52, 0xe5, 0x0e];
    let (path, content, descriptors) = file(id, &[&[0, 7, 14]]);
    assert_eq!(path, "deletion_vector_61d16c75-6994-46b7-a15b-8b538852e50e.bin");
    assert_eq!(descriptors[0]["pathOrInlineDv"], "vBn[lx{q8@P<9BNH/isA");
    let hex: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "0100000026d1d339640100000000000000000000003a3000000100000000000200100000000000\
                    07000e00fd54c000";
    assert_eq!(hex, expected);
}
