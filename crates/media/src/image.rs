//! Images: identified by content, decoded within limits, scaled and re-encoded as JPEG.

use std::io::Cursor;

use ::image::codecs::jpeg::JpegEncoder;
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use tokio::sync::Semaphore;

/// Limit for an encoded image.
pub const MAX_BYTES: usize = 5 * 1024 * 1024;
/// Limit for a decoded image. A file of a few kilobytes may claim billions of pixels.
pub const MAX_PIXELS: u64 = 40_000_000;
/// Memory limit of one decoder, including its output.
const MAX_DECODER_MEMORY: u64 = 256 * 1024 * 1024;
const JPEG_QUALITY: u8 = 85;
/// Limits how many images are decoded concurrently.
static DECODERS: Semaphore = Semaphore::const_new(2);

/// A re-encoded image. Dimensions are in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jpeg {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

/// Why an image is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the image is larger than {MAX_BYTES} bytes")]
    TooManyBytes,
    #[error("the image has more than {MAX_PIXELS} pixels")]
    TooManyPixels,
    #[error("the file is not a JPEG, PNG, WebP or GIF")]
    UnknownFormat,
    /// The format is known, but decoding failed.
    #[error("the image is damaged")]
    Damaged,
}

/// Re-encodes an image as JPEG without metadata, upright, and scaled down to at most `max_px` in width and
/// height. Keeps only the first frame of an animation, and makes transparent parts white. Runs on a blocking
/// thread, for at most two images at a time.
pub async fn normalise(bytes: Vec<u8>, max_px: u32) -> Result<Jpeg, Error> {
    let _permit = DECODERS.acquire().await;
    let work = tokio::task::spawn_blocking(move || normalise_blocking(&bytes, max_px));
    // A decoder only panics on a damaged image.
    work.await.unwrap_or(Err(Error::Damaged))
}

fn normalise_blocking(bytes: &[u8], max_px: u32) -> Result<Jpeg, Error> {
    let image = decode(bytes)?;
    let image = if image.width() > max_px || image.height() > max_px {
        image.resize(max_px, max_px, ::image::imageops::FilterType::Triangle)
    } else {
        image
    };
    encode(&on_white(image))
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
    let mut decoder = reader.into_decoder().map_err(decode_error)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Error::TooManyPixels);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(decode_error)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn decode_error(error: ImageError) -> Error {
    match error {
        ImageError::Limits(_) => Error::TooManyPixels,
        _ => Error::Damaged,
    }
}

/// JPEG has no transparency.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0;
        Rgb([r, g, b].map(|channel| blend_with_white(channel, alpha)))
    })
}

fn blend_with_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u16::from(channel), u16::from(alpha));
    u8::try_from((channel * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

fn encode(image: &RgbImage) -> Result<Jpeg, Error> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .encode_image(image)
        .map_err(decode_error)?;
    Ok(Jpeg {
        bytes,
        width: image.width(),
        height: image.height(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::image::{Rgba, RgbaImage};
    use proptest::prelude::*;

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn gradient(width: u32, height: u32) -> DynamicImage {
        let image = RgbImage::from_fn(width, height, |x, y| {
            Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 90])
        });
        DynamicImage::ImageRgb8(image)
    }

    #[tokio::test]
    async fn every_format_becomes_a_jpeg_within_the_size_limit() {
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
        let image = ::image::load_from_memory(&jpeg.bytes).unwrap().into_rgb8();
        assert!(image.get_pixel(4, 4).0.iter().all(|channel| *channel > 250));
    }

    #[tokio::test]
    async fn metadata_is_removed_and_orientation_applied() {
        let plain = encoded(&gradient(64, 32), ImageFormat::Jpeg);
        let (start, rest) = plain.split_at(2);
        let marked = [start, &exif_with_rotation_and_description(), rest].concat();
        let jpeg = normalise(marked, 100).await.unwrap();
        assert_eq!((jpeg.width, jpeg.height), (32, 64));
        assert!(!jpeg.bytes.windows(6).any(|w| w == b"secret"));
    }

    /// An APP1 segment: orientation 6 (turn right), and the text `secret` as the image's description.
    fn exif_with_rotation_and_description() -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        tiff.extend(b"\x0e\x01\x02\0\x07\0\0\0\x26\0\0\0");
        tiff.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
        tiff.extend(b"\0\0\0\0secret\0");
        let body = [b"Exif\0\0".as_slice(), &tiff].concat();
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [b"\xff\xe1".as_slice(), &length, &body].concat()
    }

    #[tokio::test]
    async fn small_file_that_claims_huge_dimensions_is_rejected() {
        // A PNG header that claims 60,000 × 60,000 pixels.
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
    async fn other_files_are_rejected() {
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
        fn decoder_never_panics(noise: Vec<u8>, head in 0..4_usize) {
            let magic: [&[u8]; 4] = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP"];
            let _ = normalise_blocking(&[magic[head], &noise].concat(), 50);
        }
    }
}
