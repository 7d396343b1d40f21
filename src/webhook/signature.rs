//! Who has sent a body: HMAC-SHA256 of its bytes, in hex digits.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The signature of a body as it is sent: 64 hex digits in lower case.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    let signature = mac(secret, body).finalize().into_bytes();
    signature.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a signature is that of a body. This takes the same time however much of it is right.
#[must_use]
pub fn verify(secret: &[u8], body: &[u8], signature: &str) -> bool {
    let digits = signature.as_bytes().chunks(2).map(|pair| {
        let pair =
            std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
        pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let bytes: Option<Vec<u8>> = digits.collect();
    bytes.is_some_and(|bytes| signature.len() == 64 && mac(secret, body).verify_slice(&bytes).is_ok())
}

fn mac(secret: &[u8], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, data and signature of RFC 4231, sections 4.2 to 4.4, 4.7 and 4.8.
    fn vectors() -> Vec<(Vec<u8>, Vec<u8>, &'static str)> {
        vec![
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. \
                  The key needs to be hashed before being used by the HMAC algorithm."
                    .to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ]
    }

    #[test]
    fn as_rfc_4231_has_it() {
        for (key, data, signature) in vectors() {
            assert_eq!(sign(&key, &data), signature);
            assert!(verify(&key, &data, signature));
            assert!(verify(&key, &data, &signature.to_uppercase()));
        }
    }

    #[test]
    fn anything_else_is_forged() {
        let right = sign(b"key", b"body");
        assert!(verify(b"key", b"body", &right));
        assert!(!verify(b"key", b"body ", &right));
        assert!(!verify(b"other", b"body", &right));
        let flipped = if right.starts_with('0') { "1" } else { "0" };
        for wrong in [
            String::new(),
            right[..62].into(),
            format!("{right}00"),
            format!(" {}", &right[1..]),
            format!("+{}", &right[1..]),
            format!("{flipped}{}", &right[1..]),
            format!("{}é", &right[2..]),
            "g".repeat(64),
        ] {
            assert!(!verify(b"key", b"body", &wrong), "{wrong}");
        }
    }
}
