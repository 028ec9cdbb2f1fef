//! Recognises video files by their first bytes. File names and declared types are ignored.

/// The bytes needed for the decision, unless the file is shorter: three MPEG-TS packets with timestamps.
pub const HEADER_BYTES: usize = 3 * 192;

/// Returns whether a file starts like an MP4, MOV, Matroska, WebM, FLV, MPEG-TS or AVI file. The upload of
/// any other file is rejected early; a worker validates the contents later.
#[must_use]
pub fn is_supported_video(header: &[u8]) -> bool {
    is_mp4(header)
        || header.starts_with(&[0x1a, 0x45, 0xdf, 0xa3])
        || header.starts_with(b"FLV\x01")
        || (header.starts_with(b"RIFF") && header.get(8..12) == Some(b"AVI "))
        || is_mpeg_ts(header, 0, 188)
        || is_mpeg_ts(header, 4, 192)
}

/// Checks the first box of the file. Image and audio files of the same format family are excluded by their
/// brand.
fn is_mp4(header: &[u8]) -> bool {
    match header.get(4..8) {
        Some(b"ftyp") => !matches!(
            header.get(8..12),
            None | Some(
                b"avif" | b"avis" | b"heic" | b"heix" | b"mif1" | b"msf1" | b"M4A " | b"M4B " | b"crx "
            )
        ),
        Some(b"moov" | b"mdat" | b"wide" | b"free" | b"skip") => true,
        _ => false,
    }
}

/// Every packet starts with a sync byte.
fn is_mpeg_ts(header: &[u8], first: usize, packet: usize) -> bool {
    (0..3).all(|n| header.get(first + n * packet) == Some(&0x47))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn box_of(kind: &[u8], brand: &[u8]) -> Vec<u8> {
        [b"\0\0\0\x18", kind, brand, b"\0\0\x02\0"].concat()
    }

    fn packets(first: usize, packet: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        for n in 0..3 {
            bytes[first + n * packet] = 0x47;
        }
        bytes
    }

    #[test]
    fn videos_are_recognised() {
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
            assert!(is_supported_video(&video), "{video:?}");
        }
    }

    #[test]
    fn other_files_are_rejected() {
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
            assert!(!is_supported_video(&other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn longer_input_does_not_change_the_decision(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let longer = [bytes.as_slice(), &[0; 8]].concat();
            prop_assert!(!is_supported_video(&bytes) || is_supported_video(&longer));
        }

        #[test]
        fn text_is_rejected(text in "[ -F H-~]{4,600}") {
            prop_assume!(!text.get(4..8).is_some_and(|kind| ["ftyp", "moov", "mdat", "wide", "free", "skip"].contains(&kind)));
            prop_assume!(!text.starts_with("RIFF"));
            prop_assert!(!is_supported_video(text.as_bytes()));
        }
    }
}
