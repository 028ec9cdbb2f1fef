//! One's own account: profile, password, the end.

use actix_web::HttpResponse;
use actix_web::web::Data;
use proto::auth::v1::{
    ChangePasswordRequest, DeleteAccountRequest, UpdateProfileRequest, UpdateProfileUpload,
};
use serde::Deserialize;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::extract::Json;
use crate::inbound::rest::field::flag;
use crate::inbound::rest::form::Form;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{DoneShape, MeShape, SessionShape};
use crate::inbound::rest::upload::{AVATAR, PICTURE_PATIENCE, send_picture};
use crate::outbound::peers::{Answer, present};

/// What one may say of oneself; fields that are absent stay.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProfileFields)]
pub(super) struct ProfileFields {
    /// Up to 50 characters.
    display_name: Option<String>,
    /// Up to 500 characters.
    bio: Option<String>,
    /// Whether the picture goes.
    #[serde(default, deserialize_with = "flag")]
    remove_avatar: bool,
}

/// The same as a form, with a picture.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProfileForm)]
#[expect(
    dead_code,
    reason = "for the description alone; the form is read as ProfileFields"
)]
pub(super) struct ProfileForm {
    #[serde(flatten)]
    fields: ProfileFields,
    /// JPEG, PNG, WebP or GIF, at most 5 MiB.
    #[schema(value_type = Option<String>, content_media_type = "application/octet-stream")]
    avatar_file: (),
}

/// Changes one's profile.
#[utoipa::path(put, path = "/api/users/me/profile", tag = "users", operation_id = "updateProfile", security(("bearer" = [])),
    request_body(content((ProfileFields = "application/json"), (ProfileForm = "multipart/form-data"))),
    responses((status = 200, body = MeShape)))]
pub(super) async fn update_profile(
    rest: Data<Rest>,
    me: SignedIn,
    form: Form<ProfileFields>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.auth(&me.patient(PICTURE_PATIENCE));
    let request = |fields: ProfileFields| {
        Ok(UpdateProfileRequest {
            display_name: fields.display_name,
            bio: fields.bio,
            remove_avatar: fields.remove_avatar,
        })
    };
    let call = async |messages: ReceiverStream<UpdateProfileUpload>| peer.update_profile(messages).await;
    let answer = send_picture(form, AVATAR, request, call).await?;
    Ok(HttpResponse::Ok().json(MeShape::from(present(answer.user, "user")?)))
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewPassword)]
pub(super) struct NewPassword {
    current_password: String,
    /// 8 to 1024 bytes.
    new_password: String,
}

/// Changes one's password. All other sessions end; this one goes on with the tokens of the answer, and those
/// before it are refused.
#[utoipa::path(put, path = "/api/users/me/password", tag = "users", operation_id = "changePassword",
    security(("bearer" = [])), request_body = NewPassword, responses((status = 200, body = SessionShape)))]
pub(super) async fn change_password(
    rest: Data<Rest>,
    me: SignedIn,
    Json(body): Json<NewPassword>,
) -> Result<HttpResponse, Problem> {
    let NewPassword {
        current_password,
        new_password,
    } = body;
    let request = ChangePasswordRequest {
        current_password,
        new_password,
    };
    let session = rest
        .peers
        .auth(me.context())
        .change_password(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(SessionShape::new("The password is changed.", session)?))
}

/// Deletes one's account and what belongs to it. The name is free again.
#[utoipa::path(delete, path = "/api/users/me", tag = "users", operation_id = "deleteAccount", security(("bearer" = [])),
    responses((status = 200, body = DoneShape)))]
pub(super) async fn delete(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    rest.peers
        .auth(me.context())
        .delete_account(DeleteAccountRequest {})
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("The account is deleted.")))
}
