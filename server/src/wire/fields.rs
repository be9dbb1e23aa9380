//! How many fields an encoded protobuf message has, before it is decoded.
//!
//! An empty field takes two bytes on the wire and a hundred once it is decoded: a body of a few megabytes could become
//! hundreds. Messages that may be long, because they hold tickets, are counted first.

use prost::encoding::{WireType, decode_key, decode_varint};

use super::commands::malformed_action;
use crate::error::Error;

/// Fields of one message with those of the messages in it. A FlightInfo has a few, and a few more for each endpoint.
const MAX_FIELDS: usize = 16 * 1024;

/// Refuses a message of more fields than an honest one has.
///
/// # Arguments
/// * `depth` - levels of messages in messages in which a field may be repeated. What is no message but text or bytes is
///   counted as if it were one, and found to be short.
///
/// # Errors
/// [`InvalidRequest`](crate::error::ErrorKind::InvalidRequest)
pub(super) fn check(message: &[u8], depth: u32) -> Result<(), Error> {
    if count(message, depth) > MAX_FIELDS { Err(malformed_action()) } else { Ok(()) }
}

/// Fields up to the first that is malformed, where the decoder stops too.
fn count(mut message: &[u8], depth: u32) -> usize {
    let mut fields = 0;
    while !message.is_empty() {
        let Ok((_, wire_type)) = decode_key(&mut message) else { return fields };
        fields += 1;
        let length = match wire_type {
            WireType::Varint => decode_varint(&mut message).ok().map(|_| 0),
            WireType::SixtyFourBit => Some(8),
            WireType::ThirtyTwoBit => Some(4),
            WireType::LengthDelimited => {
                decode_varint(&mut message).ok().and_then(|length| usize::try_from(length).ok())
            }
            // The fields of a group follow like any others.
            WireType::StartGroup | WireType::EndGroup => Some(0),
        };
        let Some((inside, rest)) = length.and_then(|length| message.split_at_checked(length)) else {
            return fields;
        };
        if let (WireType::LengthDelimited, Some(below)) = (wire_type, depth.checked_sub(1)) {
            fields += count(inside, below);
        }
        message = rest;
    }
    fields
}

#[cfg(test)]
mod tests {
    use arrow_flight::{CancelFlightInfoRequest, FlightEndpoint, FlightInfo, Ticket};
    use prost::Message;

    use super::*;

    fn request(endpoints: usize, locations: usize) -> Vec<u8> {
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(vec![7; 100]));
        let endpoint = (0..locations).fold(endpoint, |endpoint, _| endpoint.with_location(""));
        let endpoint = vec![endpoint; endpoints];
        CancelFlightInfoRequest { info: Some(FlightInfo { endpoint, ..FlightInfo::default() }) }
            .encode_to_vec()
    }

    #[test]
    fn fields_are_counted_wherever_they_can_be_repeated() {
        assert!(check(&request(1000, 3), 2).is_ok());
        assert!(check(&request(MAX_FIELDS, 0), 2).is_err());
        assert!(check(&request(2, MAX_FIELDS / 2), 2).is_err());
        // Repeated messages are put together by the decoder.
        assert!(check(&request(1000, 3).repeat(10), 2).is_err());
        let mut broken_at_its_end = request(MAX_FIELDS, 0);
        broken_at_its_end.push(0xff);
        assert!(check(&broken_at_its_end, 2).is_err());
        // Within a group, which the decoder skips as a whole.
        assert!(check(&[&[0x7b][..], &[0x12, 0].repeat(MAX_FIELDS)[..], &[0x7c][..]].concat(), 0).is_err());
    }
}
