//! The caller's own account: profile, password, deletion.

use actix_web::HttpResponse;
use actix_web::web::Data;
use proto::auth::v1::{
    ChangePasswordRequest, DeleteAccountRequest, UpdateProfileRequest, UpdateProfileUpload,
};
use tokio_stream::wrappers::ReceiverStream;

use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::dto::{Done, Me, NewPassword, ProfileFields, Session};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::Json;
use crate::inbound::rest::form::Form;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::inbound::rest::upload::{AVATAR, IMAGE_TIMEOUT, send_image};
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, update_profile, change_password, delete);
}

/// Updates the caller's profile; absent fields stay the same.
#[utoipa::path(put, path = "/users/me/profile", operation_id = "updateProfile",
    responses((status = 200, body = Me)))]
async fn update_profile(
    rest: Data<Rest>,
    me: SignedIn,
    form: Form<ProfileFields>,
) -> Result<HttpResponse, Problem> {
    let mut auth = rest.peers.auth(&me.upload_context(IMAGE_TIMEOUT));
    let request = |fields: ProfileFields| UpdateProfileRequest {
        display_name: fields.display_name.map(|name| name.0),
        bio: fields.bio.map(|bio| bio.0),
        remove_avatar: fields.remove_avatar.0,
    };
    let call = async |messages: ReceiverStream<UpdateProfileUpload>| auth.update_profile(messages).await;
    let answer = send_image(form, AVATAR, request, call).await?;
    Ok(HttpResponse::Ok().json(Me::from(present(answer.user, "user")?)))
}

/// Changes the caller's password.
///
/// All sessions end; this one continues with the tokens in the answer.
#[utoipa::path(put, path = "/users/me/password", operation_id = "changePassword",
    responses((status = 200, body = Session)))]
async fn change_password(
    rest: Data<Rest>,
    me: SignedIn,
    Json(body): Json<NewPassword>,
) -> Result<HttpResponse, Problem> {
    let request = ChangePasswordRequest {
        current_password: body.current_password,
        new_password: body.new_password.0,
    };
    let session = rest
        .peers
        .auth(me.context())
        .change_password(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Session::new("Password changed.", session)?))
}

/// Deletes the caller's account and everything that belongs to it.
///
/// The username becomes available again.
#[utoipa::path(delete, path = "/users/me", operation_id = "deleteAccount",
    responses((status = 200, body = Done)))]
async fn delete(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    let request = DeleteAccountRequest {};
    rest.peers
        .auth(me.context())
        .delete_account(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Done::new("Account deleted.")))
}
