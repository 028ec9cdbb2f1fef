//! Pictures: known by content, decoded within limits, scaled, written anew as JPEG.

use std::io::Cursor;

use ::image::codecs::jpeg::JpegEncoder;
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use tokio::sync::Semaphore;

/// The most bytes of a picture that are looked at.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;
/// The most pixels; a picture of a few kilobytes may claim billions.
pub const MAX_PIXELS: u64 = 40_000_000;
/// Memory of one decoder, its result included.
const MAX_DECODER_MEMORY: u64 = 256 * 1024 * 1024;
const QUALITY: u8 = 85;
/// Pictures decoded at once in this process.
static DECODERS: Semaphore = Semaphore::const_new(2);

/// A picture that we wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jpeg {
    /// The file.
    pub bytes: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Why bytes do not become a picture of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`MAX_BYTES`].
    #[error("the picture is larger than {MAX_BYTES} bytes")]
    TooManyBytes,
    /// More than [`MAX_PIXELS`].
    #[error("the picture has more than {MAX_PIXELS} pixels")]
    TooManyPixels,
    /// Not one of the formats that we read, whatever its name says.
    #[error("the file is no JPEG, PNG, WebP or GIF")]
    UnknownFormat,
    /// Of a known format, but it cannot be decoded.
    #[error("the picture is damaged")]
    Damaged,
}

/// Writes a picture anew as JPEG, upright, without metadata, at most `max_px` wide and high (never enlarged;
/// the first frame of an animation; transparent parts become white). Works on a thread for blocking work, two
/// pictures at once.
///
/// # Errors
/// The bytes are no picture within the limits.
pub async fn normalise(bytes: Vec<u8>, max_px: u32) -> Result<Jpeg, Error> {
    let _turn = DECODERS.acquire().await;
    let work = tokio::task::spawn_blocking(move || normalise_blocking(&bytes, max_px));
    // A decoder that panics has met a damaged picture.
    work.await.unwrap_or(Err(Error::Damaged))
}

fn normalise_blocking(bytes: &[u8], max_px: u32) -> Result<Jpeg, Error> {
    let picture = decode(bytes)?;
    let picture = if picture.width() > max_px || picture.height() > max_px {
        picture.resize(max_px, max_px, ::image::imageops::FilterType::Triangle)
    } else {
        picture
    };
    encode(&on_white(picture))
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooManyBytes);
    }
    let format = ::image::guess_format(bytes).map_err(|_| Error::UnknownFormat)?;
    if !matches!(
        format,
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif
    ) {
        return Err(Error::UnknownFormat);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::TooManyPixels);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn refusal(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => Error::TooManyPixels,
        _ => Error::Damaged,
    }
}

/// JPEG knows no transparency.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, alpha] = picture.get_pixel(x, y).0;
        Rgb([r, g, b].map(|channel| blend_with_white(channel, alpha)))
    })
}

fn blend_with_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u16::from(channel), u16::from(alpha));
    u8::try_from((channel * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

fn encode(picture: &RgbImage) -> Result<Jpeg, Error> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(picture)
        .map_err(refusal)?;
    Ok(Jpeg {
        bytes,
        width: picture.width(),
        height: picture.height(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::image::{Rgba, RgbaImage};
    use proptest::prelude::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn gradient(width: u32, height: u32) -> DynamicImage {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 90])
        });
        DynamicImage::ImageRgb8(picture)
    }

    #[tokio::test]
    async fn every_format_becomes_a_jpeg_within_the_maximum() {
        let formats = [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::WebP,
            ImageFormat::Gif,
        ];
        for format in formats {
            let jpeg = normalise(encoded(&gradient(600, 300), format), 200)
                .await
                .unwrap();
            assert_eq!((jpeg.width, jpeg.height), (200, 100), "{format:?}");
            assert_eq!(::image::guess_format(&jpeg.bytes).unwrap(), ImageFormat::Jpeg);
        }
        let small = normalise(encoded(&gradient(20, 10), ImageFormat::Png), 200)
            .await
            .unwrap();
        assert_eq!((small.width, small.height), (20, 10));
    }

    #[tokio::test]
    async fn transparency_becomes_white() {
        let clear = RgbaImage::from_pixel(8, 8, Rgba([200, 0, 0, 0]));
        let bytes = encoded(&DynamicImage::ImageRgba8(clear), ImageFormat::Png);
        let jpeg = normalise(bytes, 100).await.unwrap();
        let picture = ::image::load_from_memory(&jpeg.bytes).unwrap().into_rgb8();
        assert!(picture.get_pixel(4, 4).0.iter().all(|channel| *channel > 250));
    }

    #[tokio::test]
    async fn metadata_stays_behind_and_the_picture_stands_upright() {
        let plain = encoded(&gradient(64, 32), ImageFormat::Jpeg);
        let (start, rest) = plain.split_at(2);
        let marked = [start, &exif_rotated_with_a_remark(), rest].concat();
        let jpeg = normalise(marked, 100).await.unwrap();
        assert_eq!((jpeg.width, jpeg.height), (32, 64));
        assert!(!jpeg.bytes.windows(6).any(|w| w == b"secret"));
    }

    /// An APP1 segment: orientation 6 (turn right), and the text `secret` as the image's description.
    fn exif_rotated_with_a_remark() -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        tiff.extend(b"\x0e\x01\x02\0\x07\0\0\0\x26\0\0\0");
        tiff.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
        tiff.extend(b"\0\0\0\0secret\0");
        let body = [b"Exif\0\0".as_slice(), &tiff].concat();
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [b"\xff\xe1".as_slice(), &length, &body].concat()
    }

    #[tokio::test]
    async fn a_small_file_that_claims_a_huge_picture_is_refused_unread() {
        // A PNG header of 60,000 × 60,000 pixels.
        let mut png = encoded(&gradient(1, 1), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(normalise(png, 100).await, Err(Error::TooManyPixels));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (0_u32.wrapping_sub(crc & 1)))
            })
        })
    }

    #[tokio::test]
    async fn what_is_no_picture_is_refused() {
        assert_eq!(
            normalise(b"<svg onload=alert(1)>".to_vec(), 100).await,
            Err(Error::UnknownFormat)
        );
        assert_eq!(normalise(Vec::new(), 100).await, Err(Error::UnknownFormat));
        assert_eq!(
            normalise(b"BM\0\0\0\0".to_vec(), 100).await,
            Err(Error::UnknownFormat)
        );
        assert_eq!(
            normalise(vec![0; MAX_BYTES + 1], 100).await,
            Err(Error::TooManyBytes)
        );
        let png = encoded(&gradient(200, 200), ImageFormat::Png);
        assert_eq!(
            normalise(png[..png.len() / 2].to_vec(), 100).await,
            Err(Error::Damaged)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_break_the_decoder(noise: Vec<u8>, head in 0..4_usize) {
            let magic: [&[u8]; 4] = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP"];
            let _ = normalise_blocking(&[magic[head], &noise].concat(), 50);
        }
    }
}
