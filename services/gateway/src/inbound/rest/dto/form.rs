//! The forms of requests with files, described only: [`Form`](crate::inbound::rest::form::Form) reads the
//! fields of a form as the type next to it, and passes its files on.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{CategoryFields, NewCategory, NewStream, NewVod, ProfileFields, StreamFields, VodFields};
use crate::inbound::rest::form::FormFields;

/// Declares a form as fields and files.
macro_rules! forms {
    ($($(#[$meta:meta])* $form:ident: $fields:ident + $files:ident;)*) => { $(
        $(#[$meta])*
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "described only")]
        pub struct $form {
            #[serde(flatten)]
            fields: $fields,
            #[serde(flatten)]
            files: $files,
            #[serde(flatten)]
            #[schema(inline)]
            names: PlainNames,
        }
    )* };
}

forms! {
    /// The profile as a form, with an avatar.
    ProfileForm: ProfileFields + AvatarFile;
    /// The stream as a form, with a thumbnail.
    NewStreamForm: NewStream + ThumbnailFile;
    /// The stream as a form, with a thumbnail.
    StreamForm: StreamFields + ThumbnailFile;
    /// The VOD as a form, with a thumbnail.
    VodForm: VodFields + ThumbnailFile;
    /// The VOD as a form, with its video.
    VodUploadForm: NewVod + VideoFiles;
    /// The category as a form, with a thumbnail.
    NewCategoryForm: NewCategory + ThumbnailFile;
    /// The category as a form, with a thumbnail.
    CategoryForm: CategoryFields + ThumbnailFile;
}

macro_rules! sent_as {
    ($($fields:ident => $form:ident,)*) => { $(
        impl FormFields for $fields {
            type Form = $form;
        }
    )* };
}

sent_as! {
    ProfileFields => ProfileForm,
    NewStream => NewStreamForm,
    StreamFields => StreamForm,
    VodFields => VodForm,
    NewCategory => NewCategoryForm,
    CategoryFields => CategoryForm,
}

impl FormFields for NewVod {
    type Form = VodUploadForm;
    const AS_JSON: bool = false;
}

/// The file of an avatar.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "described only")]
pub struct AvatarFile {
    /// JPEG, PNG, WebP or GIF, at most 5 MiB.
    #[schema(value_type = Option<String>, content_media_type = "application/octet-stream")]
    avatar_file: (),
}

/// The file of a thumbnail.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "described only")]
pub struct ThumbnailFile {
    /// JPEG, PNG, WebP or GIF, at most 5 MiB.
    #[schema(value_type = Option<String>, content_media_type = "application/octet-stream")]
    thumbnail_file: (),
}

/// The files of a new VOD.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "described only")]
pub struct VideoFiles {
    /// MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI; at most 2 GiB unless the operator has set another limit.
    #[schema(value_type = String, content_media_type = "application/octet-stream")]
    video_file: (),
    /// JPEG, PNG, WebP or GIF, at most 5 MiB. By default, a frame of the video.
    #[schema(value_type = Option<String>, content_media_type = "application/octet-stream")]
    thumbnail_file: (),
}

/// The names of a form's fields.
struct PlainNames;

impl PartialSchema for PlainNames {
    fn schema() -> RefOr<Schema> {
        let plain = ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue);
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property_names(Some(plain.pattern(Some("^[A-Za-z0-9_-]{1,64}$"))))
            .into()
    }
}

impl ToSchema for PlainNames {}
