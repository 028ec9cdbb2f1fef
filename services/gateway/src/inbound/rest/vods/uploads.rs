//! Uploads and imports: VODs that are not recordings.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use proto::vod::v1::{
    ImportVodRequest, UploadVodRequest, UploadVodResponse, UploadVodUpload, upload_vod_upload,
};

use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::dto::{NewVod, OneVod, VodCreated, VodImport};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::Json;
use crate::inbound::rest::form::{FileField, Form};
use crate::inbound::rest::idempotency::Idempotent;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::inbound::rest::upload::{THUMBNAIL, VIDEO_TIMEOUT, channel, run};
use crate::inbound::rest::vods::with_owner;
use crate::outbound::peers::Answer;

/// The VOD service limits its size.
const VIDEO: FileField = FileField {
    name: "videoFile",
    max_bytes: u64::MAX,
};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, upload, import);
}

/// Uploads a video.
///
/// The answer comes when the bucket has stored it; the VOD is `processing` until browsers can play it.
#[utoipa::path(post, path = "/vod/upload-local", operation_id = "uploadVod",
    responses((status = 201, body = VodCreated)))]
async fn upload(
    rest: Data<Rest>,
    me: SignedIn,
    idempotent: Idempotent,
    form: Form<NewVod>,
) -> Result<HttpResponse, Problem> {
    let context = idempotent.with_key(me.upload_context(VIDEO_TIMEOUT));
    let (sink, messages) = channel::<UploadVodUpload>();
    let read = async move {
        let take = async |file: &'static str, bytes: Bytes| {
            let part = if file == VIDEO.name {
                upload_vod_upload::Part::Chunk
            } else {
                upload_vod_upload::Part::Picture
            };
            let message = |bytes| UploadVodUpload {
                part: Some(part(bytes)),
            };
            sink.pieces(&bytes, message).await
        };
        let fields = form.read(&[VIDEO, THUMBNAIL], VIDEO_TIMEOUT, take).await?;
        sink.end(request(fields)).await
    };
    let mut peer = rest.peers.vod_uploads(&context);
    let answer: UploadVodResponse = run(read, peer.upload_vod(messages)).await?;
    Ok(created(with_owner(&rest, me.context(), answer.vod).await?))
}

fn request(new: NewVod) -> UploadVodRequest {
    UploadVodRequest {
        title: new.title.0,
        description: new.description.unwrap_or_default().0,
        category_id: new.category_id.of_new(),
    }
}

/// Imports an object of the bucket as a VOD; the object stays.
///
/// Only for admins.
#[utoipa::path(post, path = "/vod/upload", operation_id = "importVod",
    responses((status = 201, body = VodCreated)))]
async fn import(
    rest: Data<Rest>,
    me: SignedIn,
    idempotent: Idempotent,
    Json(import): Json<VodImport>,
) -> Result<HttpResponse, Problem> {
    let request = ImportVodRequest {
        object_key: import.object_key.0,
        title: import.title.0,
        description: import.description.0,
        category_id: import.category_id.of_new(),
        user_id: import.user_id.map(|id| id.0),
    };
    let context = idempotent.with_key(me.context().clone());
    let answer = rest.peers.vod(&context).import_vod(request).await.answer()?;
    Ok(created(with_owner(&rest, me.context(), answer.vod).await?))
}

fn created(OneVod { vod }: OneVod) -> HttpResponse {
    HttpResponse::Created().json(VodCreated {
        message: "Video stored; processing has started.",
        vod,
    })
}
