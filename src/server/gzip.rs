//! Streams that are compressed in parts, so that what many of them tell is compressed once.
//!
//! Each part is deflated without looking back at those before it, and ends at a whole byte; one after the other they are
//! one deflate stream (RFC 1951), and with a head and an end one gzip member (RFC 1952). The checksum of all of them
//! comes of those of the parts.

use flate2::{Compress, Compression, Crc, FlushCompress};
use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::ACCEPT_ENCODING;

/// What a gzip stream begins with: deflated, without a name, a time or a system.
pub(super) const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The last block of a deflate stream, with nothing in it.
const LAST: [u8; 2] = [3, 0];

/// A text, deflated on its own.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Bytes,
    crc: Crc,
}

impl Part {
    pub(super) fn of(text: &[u8]) -> Part {
        let mut crc = Crc::new();
        crc.update(text);
        let mut deflate = Compress::new(Compression::fast(), false);
        let mut bytes = Vec::with_capacity(text.len() / 4 + 64);
        loop {
            let read = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
            deflate
                .compress_vec(&text[read..], &mut bytes, FlushCompress::Sync)
                .expect("whatever is deflated, there is a way to write it");
            if bytes.len() < bytes.capacity() {
                // All of it is written where there is room left.
                return Part { bytes: bytes.into(), crc };
            }
            bytes.reserve(bytes.len().max(64));
        }
    }
}

/// What a stream was, for its end.
#[derive(Debug)]
pub(super) struct Gzip {
    crc: Crc,
}

impl Gzip {
    pub(super) fn new() -> Gzip {
        Gzip { crc: Crc::new() }
    }

    /// Notes that a part is the next one.
    pub(super) fn add(&mut self, part: &Part) {
        self.crc.combine(&part.crc);
    }

    /// The end of the stream.
    pub(super) fn end(&self) -> Bytes {
        let (sum, amount) = (self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes());
        [&LAST[..], &sum, &amount].concat().into()
    }
}

/// Whether a client takes gzip.
pub(super) fn is_accepted(headers: &HeaderMap) -> bool {
    let given = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = given.flat_map(|value| value.split(',')).map(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
        (name, weight)
    });
    codings.any(|(name, weight)| name.eq_ignore_ascii_case("gzip") && weight > 0.0)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn parts_make_one_stream() {
        let noise: Vec<u8> =
            (0..300_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let texts =
            [&b""[..], b"retry: 2000\n\n", &noise, b"x", &b"data: again and again\n".repeat(10_000), b""];
        let (mut gzip, mut sent) = (Gzip::new(), HEAD.to_vec());
        for text in texts {
            let part = Part::of(text);
            gzip.add(&part);
            sent.extend_from_slice(&part.bytes);
            // Whatever was sent can be read at once, without the end.
            let mut read = Vec::new();
            let _ = GzDecoder::new(&sent[..]).read_to_end(&mut read);
            assert!(read.ends_with(text));
        }
        sent.extend_from_slice(&gzip.end());
        let mut read = Vec::new();
        GzDecoder::new(&sent[..]).read_to_end(&mut read).expect("it is a gzip stream");
        assert!(read == texts.concat());
    }

    #[test]
    fn texts_are_as_short_as_they_can_be() {
        let text = b"id: 1\nevent: claim_granted\n".repeat(1000);
        let sent = Part::of(&text).bytes.len();
        assert!(sent < text.len() / 20, "{sent} bytes");
        assert!(Part::of(b"").bytes.len() < 8);
    }

    #[test]
    fn who_takes_it() {
        for (accepted, lines) in [
            (true, &["gzip"][..]),
            (true, &["deflate, GZIP;q=0.5, br"]),
            (true, &["br", "gzip; q=1.000"]),
            (false, &[]),
            (false, &[""]),
            (false, &["identity"]),
            (false, &["gzip;q=0"]),
            (false, &["x-gzips, br"]),
        ] {
            let lines = lines.iter().map(|line| (ACCEPT_ENCODING, HeaderValue::from_static(line)));
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(name, value);
            }
            assert_eq!(is_accepted(&headers), accepted, "{headers:?}");
        }
    }
}
