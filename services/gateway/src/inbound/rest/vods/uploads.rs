//! Videos that do not come from a broadcast.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use primitives::{Error, FieldError};
use proto::vod::v1::{
    ImportVodRequest, UploadVodRequest, UploadVodResponse, UploadVodUpload, Vod, upload_vod_upload,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Repeatable, SignedIn};
use crate::inbound::rest::extract::Json;
use crate::inbound::rest::field::{CategoryChoice, whole};
use crate::inbound::rest::form::{FileField, Form};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{VodCreatedShape, VodShape};
use crate::inbound::rest::upload::{THUMBNAIL, VIDEO_PATIENCE, channel, run};
use crate::outbound::peers::{Answer, present};

/// The vod service has a limit for it, and stops the upload there.
const VIDEO: FileField = FileField {
    name: "videoFile",
    max_bytes: u64::MAX,
};

/// What is said of a new VOD.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewVodFields)]
pub(in crate::inbound::rest) struct NewVod {
    /// 3 to 255 characters.
    title: Option<String>,
    /// Up to 5,000 characters.
    description: Option<String>,
    /// An id, as a number or as digits.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    category_id: CategoryChoice,
}

/// The form of an upload.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VodUploadForm)]
#[expect(
    dead_code,
    reason = "for the description alone; the form is read as NewVod and files"
)]
pub(in crate::inbound::rest) struct UploadForm {
    /// 3 to 255 characters.
    title: String,
    /// Up to 5,000 characters.
    description: Option<String>,
    /// An id in digits.
    category_id: Option<i64>,
    /// MP4, MOV, MKV, WebM, FLV, MPEG-TS or AVI; at most 2 GiB unless the operator has set another limit.
    #[schema(value_type = String, content_media_type = "application/octet-stream")]
    video_file: (),
    /// JPEG, PNG, WebP or GIF, at most 5 MiB; a picture out of the video otherwise.
    #[schema(value_type = Option<String>, content_media_type = "application/octet-stream")]
    thumbnail_file: (),
}

/// Uploads a video. The answer comes when its bytes are safe; it is `processing` until browsers can play it.
#[utoipa::path(post, path = "/api/vod/upload-local", tag = "vod", operation_id = "uploadVod", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the upload, so that sending it again makes no second VOD")),
    request_body(content((UploadForm = "multipart/form-data"))),
    responses((status = 201, body = VodCreatedShape)))]
pub(in crate::inbound::rest) async fn upload(
    rest: Data<Rest>,
    me: SignedIn,
    name: Repeatable,
    form: Form<NewVod>,
) -> Result<HttpResponse, Problem> {
    let context = name.named(me.patient(VIDEO_PATIENCE));
    let (sink, messages) = channel::<UploadVodUpload>();
    let read = async move {
        let take = async |file: &'static str, bytes: Bytes| {
            let kind = if file == VIDEO.name {
                upload_vod_upload::Part::Chunk
            } else {
                upload_vod_upload::Part::Picture
            };
            let message = |bytes| UploadVodUpload {
                part: Some(kind(bytes)),
            };
            sink.pieces(&bytes, message).await
        };
        let fields = form.read(&[VIDEO, THUMBNAIL], VIDEO_PATIENCE, take).await?;
        sink.end(fields.try_into()?).await
    };
    let mut peer = rest.peers.vod_uploads(&context);
    let answer: UploadVodResponse = run(read, peer.upload_vod(messages)).await?;
    created(&rest, &me, answer.vod).await
}

impl TryFrom<NewVod> for UploadVodRequest {
    type Error = Problem;

    fn try_from(new: NewVod) -> Result<Self, Problem> {
        Ok(Self {
            title: new.title.ok_or_else(no_title)?,
            description: new.description.unwrap_or_default(),
            category_id: new.category_id.for_new(),
        })
    }
}

/// An object of the bucket that is to become a VOD.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VodImport)]
pub(in crate::inbound::rest) struct Import {
    /// In the folder `imports/` of the deployment's prefix, such as `imports/2026/talk.mp4`.
    object_key: String,
    /// 3 to 255 characters.
    title: String,
    /// Up to 5,000 characters.
    #[serde(default)]
    description: String,
    /// An id, as a number or as digits.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    category_id: CategoryChoice,
    /// Whose it becomes; the caller's unless set.
    #[serde(default, deserialize_with = "whole")]
    user_id: Option<i64>,
}

/// Makes a VOD of an object that is in the bucket already; the object stays. For admins.
#[utoipa::path(post, path = "/api/vod/upload", tag = "vod", operation_id = "importVod", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the import, so that sending it again makes no second VOD")),
    request_body = Import, responses((status = 201, body = VodCreatedShape)))]
pub(in crate::inbound::rest) async fn import(
    rest: Data<Rest>,
    me: SignedIn,
    name: Repeatable,
    Json(import): Json<Import>,
) -> Result<HttpResponse, Problem> {
    let request = ImportVodRequest {
        object_key: import.object_key,
        title: import.title,
        description: import.description,
        category_id: import.category_id.for_new(),
        user_id: import.user_id,
    };
    let context = name.named(me.context().clone());
    let answer = rest.peers.vod(&context).import_vod(request).await.answer()?;
    created(&rest, &me, answer.vod).await
}

fn no_title() -> Problem {
    Error::from(FieldError::required("title")).into()
}

async fn created(rest: &Rest, me: &SignedIn, vod: Option<Vod>) -> Result<HttpResponse, Problem> {
    let vod = present(vod, "vod")?;
    let people = rest.people.of([vod.user_id], me.context()).await;
    Ok(HttpResponse::Created().json(VodCreatedShape {
        message: "The video is stored and is being processed.",
        vod: VodShape::new(vod, &people),
    }))
}
