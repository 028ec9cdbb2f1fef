//! Which files may be videos, by their first bytes. Names and declared types are not asked.

/// Bytes that the decision needs, where the file has so many: three packets of MPEG-TS with timestamps.
pub const HEAD_BYTES: usize = 3 * 192;

/// Whether a file begins like a video that is taken: MP4 or MOV, Matroska or WebM, FLV, MPEG-TS, AVI. What it
/// really holds is found out later; this keeps everything else from being taken at all.
#[must_use]
pub fn begins_like_a_video(head: &[u8]) -> bool {
    is_mp4(head)
        || head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3])
        || head.starts_with(b"FLV\x01")
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"AVI "))
        || is_mpeg_ts(head, 0, 188)
        || is_mpeg_ts(head, 4, 192)
}

/// The first box of a file; pictures and sound files are of the same family and say so by their brand.
fn is_mp4(head: &[u8]) -> bool {
    match head.get(4..8) {
        Some(b"ftyp") => !matches!(
            head.get(8..12),
            None | Some(
                b"avif" | b"avis" | b"heic" | b"heix" | b"mif1" | b"msf1" | b"M4A " | b"M4B " | b"crx "
            )
        ),
        Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip") => true,
        _ => false,
    }
}

/// Every packet begins with the same byte.
fn is_mpeg_ts(head: &[u8], first: usize, packet: usize) -> bool {
    (0..3).all(|n| head.get(first + n * packet) == Some(&0x47))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn box_of(kind: &[u8], brand: &[u8]) -> Vec<u8> {
        [b"\0\0\0\x18", kind, brand, b"\0\0\x02\0"].concat()
    }

    fn packets(first: usize, packet: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEAD_BYTES];
        for n in 0..3 {
            bytes[first + n * packet] = 0x47;
        }
        bytes
    }

    #[test]
    fn videos_are_known_by_their_beginning() {
        for video in [
            box_of(b"ftyp", b"isom"),
            box_of(b"ftyp", b"qt  "),
            box_of(b"moov", b"...."),
            b"\x1a\x45\xdf\xa3\x01".to_vec(),
            b"FLV\x01\x05".to_vec(),
            b"RIFF\0\0\0\0AVI LIST".to_vec(),
            packets(0, 188),
            packets(4, 192),
        ] {
            assert!(begins_like_a_video(&video), "{video:?}");
        }
    }

    #[test]
    fn other_files_are_none() {
        for other in [
            b"".to_vec(),
            b"hello, this is text".to_vec(),
            b"#EXTM3U\nhttp://inside/".to_vec(),
            b"\x89PNG\r\n\x1a\n".to_vec(),
            b"<svg xmlns=".to_vec(),
            b"RIFF\0\0\0\0WAVEfmt ".to_vec(),
            box_of(b"ftyp", b"avif"),
            box_of(b"ftyp", b"M4A "),
            b"G".repeat(100),
            b"\0\0\0\x18ftyp".to_vec(),
        ] {
            assert!(!begins_like_a_video(&other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let longer = [bytes.as_slice(), &[0; 8]].concat();
            prop_assert!(!begins_like_a_video(&bytes) || begins_like_a_video(&longer));
        }

        #[test]
        fn no_line_of_text_is_a_video(text in "[ -F H-~]{4,600}") {
            prop_assume!(!text.get(4..8).is_some_and(|kind| ["ftyp", "moov", "mdat", "wide", "free", "skip"].contains(&kind)));
            prop_assume!(!text.starts_with("RIFF"));
            prop_assert!(!begins_like_a_video(text.as_bytes()));
        }
    }
}
