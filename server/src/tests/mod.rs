//! Frames of hostile input: an error or a wish for more, never a panic and never memory for what
//! is only promised.

mod workers;

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::{self, Fields, MAX_MESSAGE_BYTES, MAX_STARTUP_BYTES};

fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields(bytes)
}

#[test]
fn a_message_is_taken_once_it_is_whole() {
    let whole: &[u8] = b"Q\0\0\0\x0dSELECT 1\0";
    for cut in 0..whole.len() {
        let mut input = BytesMut::from(&whole[..cut]);
        assert_eq!(frame::next(&mut input).unwrap(), None, "{cut} bytes");
        assert_eq!(input, whole[..cut], "nothing is taken before");
    }
    let mut input = BytesMut::from(&[whole, b"S\0\0\0\x04X"].concat()[..]);
    let query = Bytes::from_static(b"SELECT 1\0");
    assert_eq!(frame::next(&mut input).unwrap(), Some((b'Q', query)));
    assert_eq!(frame::next(&mut input).unwrap(), Some((b'S', Bytes::new())));
    assert_eq!(frame::next(&mut input).unwrap(), None);
    assert_eq!(input, b"X"[..]);
}

#[test]
fn a_startup_packet_is_taken_once_it_is_whole() {
    let whole: &[u8] = b"\0\0\0\x09\0\x03\0\0\0";
    for cut in 0..whole.len() {
        let mut input = BytesMut::from(&whole[..cut]);
        assert_eq!(frame::next_startup(&mut input).unwrap(), None, "{cut} bytes");
        assert_eq!(input, whole[..cut], "nothing is taken before");
    }
    let mut input = BytesMut::from(&[whole, b"X"].concat()[..]);
    let body = Bytes::from_static(b"\0\x03\0\0\0");
    assert_eq!(frame::next_startup(&mut input).unwrap(), Some(body));
    assert_eq!(input, b"X"[..]);
}

#[test]
fn lengths_out_of_bounds_are_errors_at_once() {
    let too_long = MAX_MESSAGE_BYTES as u32 + 1;
    for length in [0, 1, 2, 3, too_long, 1 << 31, (1 << 31) + 4, u32::MAX - 3, u32::MAX] {
        let mut input = BytesMut::from(&b"Q"[..]);
        input.put_u32(length);
        assert!(frame::next(&mut input).is_err(), "{length}");
    }
    let too_long = MAX_STARTUP_BYTES as u32 + 1;
    for length in [0, 1, 4, 7, too_long, 1 << 31, (1 << 31) + 8, u32::MAX] {
        let mut input = BytesMut::new();
        input.put_u32(length);
        assert!(frame::next_startup(&mut input).is_err(), "{length}");
    }
}

#[test]
fn a_promised_length_takes_no_memory() {
    let mut input = BytesMut::with_capacity(64);
    let capacity = input.capacity();
    input.put_u8(b'Q');
    input.put_u32(MAX_MESSAGE_BYTES as u32);
    assert_eq!(frame::next(&mut input).unwrap(), None);
    assert_eq!(input.capacity(), capacity);
    let mut input = BytesMut::with_capacity(64);
    let capacity = input.capacity();
    input.put_u32(MAX_STARTUP_BYTES as u32);
    assert_eq!(frame::next_startup(&mut input).unwrap(), None);
    assert_eq!(input.capacity(), capacity);
}

#[test]
fn numbers_need_their_bytes() {
    assert!(fields(b"").byte().is_err());
    assert!(fields(b"\0").int16().is_err());
    assert!(fields(b"\0\0\0").int32().is_err());
    assert!(fields(b"ab").take(3).is_err());
    assert!(fields(b"ab").take(usize::MAX).is_err());
    assert_eq!(fields(b"\xff\xfe").int16().unwrap(), -2);
    assert_eq!(fields(b"\xff\xff\xff\xfe").int32().unwrap(), -2);
    assert!(fields(b"x").end().is_err());
}

#[test]
fn strings_need_their_terminator_and_utf8() {
    assert!(fields(b"").string().is_err());
    assert!(fields(b"abc").string().is_err());
    for invalid in [&b"\xff\0"[..], b"a\xc3\0", b"\xed\xa0\x80\0", b"\xf5\x80\x80\x80\0"] {
        assert!(fields(invalid).string().is_err(), "{invalid:?}");
    }
    let mut two = fields(b"\0\xc3\xa4\0rest");
    assert_eq!(two.string().unwrap(), "");
    assert_eq!(two.string().unwrap(), "\u{e4}");
    assert!(two.string().is_err());
}

#[test]
fn counts_larger_than_the_message_are_errors() {
    for count in [&b"\xff\xff"[..], b"\x7f\xff", b"\x80\0", b"\0\x03"] {
        let body = [count, b"\0\0\0\0"].concat();
        assert!(fields(&body).int16s().is_err(), "{count:?}");
        assert!(fields(&body).values().is_err(), "{count:?}");
    }
    // The count fits, the lengths do not.
    for length in [i32::MIN, -2, 5, i32::MAX] {
        let body = [&b"\0\x01"[..], &length.to_be_bytes(), b"four"].concat();
        assert!(fields(&body).values().is_err(), "{length}");
    }
    // The first value leaves too little for the second one's length.
    assert!(fields(b"\0\x02\0\0\0\x04\0\0\0\0").values().is_err());
    let values = fields(b"\0\x03\xff\xff\xff\xff\0\0\0\0\0\0\0\x01x").values().unwrap();
    let expected = [None, Some(&b""[..]), Some(&b"x"[..])];
    assert_eq!(values, expected);
}

/// The fields of Bind, as the connection reads them.
fn read_bind(body: &[u8]) -> frame::Result<()> {
    let mut fields = fields(body);
    fields.string()?;
    fields.string()?;
    fields.int16s()?;
    fields.values()?;
    fields.int16s()?;
    fields.end()
}

#[test]
fn bind_is_read_whole_or_not_at_all() {
    let whole = b"portal\0statement\0\0\x01\0\x01\0\x02\xff\xff\xff\xff\0\0\0\x01x\0\x01\0\0";
    for cut in 0..whole.len() {
        assert!(read_bind(&whole[..cut]).is_err(), "cut at {cut}");
    }
    read_bind(whole).unwrap();
    assert!(read_bind(&[&whole[..], b"x"].concat()).is_err());
}

#[test]
fn random_bytes_never_give_more_than_they_are() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let mut messages = 0;
    for _ in 0..50_000 {
        // Mostly small numbers, so that lengths and counts are often nearly right.
        let mask = [0, 1, 7, 0xff][usize::from(random() & 3)];
        let length = random() & 63;
        let mut bytes: Vec<u8> = (0..length).map(|_| random() & mask).collect();
        if length > 4 && random() & 1 == 0 {
            bytes[1..4].fill(0);
        }
        let mut input = BytesMut::from(&bytes[..]);
        while let Ok(Some((_, body))) = frame::next(&mut input) {
            messages += 1;
            assert!(body.len() + 5 + input.len() <= bytes.len());
        }
        let mut input = BytesMut::from(&bytes[..]);
        if let Ok(Some(body)) = frame::next_startup(&mut input) {
            assert_eq!(body.len() + 4 + input.len(), bytes.len());
        }
        if let Ok(text) = fields(&bytes).string() {
            assert_eq!(bytes.get(text.len()), Some(&0));
        }
        if let Ok(numbers) = fields(&bytes).int16s() {
            assert!(2 + numbers.len() * 2 <= bytes.len());
        }
        if let Ok(values) = fields(&bytes).values() {
            let taken: usize = values.iter().flatten().map(|value| value.len()).sum();
            assert!(2 + values.len() * 4 + taken <= bytes.len());
        }
        // Either way it returns.
        let _ = read_bind(&bytes);
    }
    assert!(messages > 1_000, "only {messages} messages were whole");
}
