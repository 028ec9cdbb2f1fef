//! The web client: the files of `web/dist`, read once at startup, so that no request reaches the file system.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use actix_web::http::Method;
use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Responder};

use crate::inbound::rest::problem::{method_not_allowed, no_such_path};

/// Browsers revalidate their copy on every load, which costs a few bytes.
const CACHE_CONTROL: &str = "no-cache";

/// First segments of the web client's paths, which `web/src/app.ts` routes.
const SCREENS: [&str; 12] = [
    "",
    "sign-in",
    "register",
    "studio",
    "watch",
    "videos",
    "people",
    "search",
    "categories",
    "notifications",
    "account",
    "admin",
];

#[derive(Debug, Default)]
pub(crate) struct Page {
    files: HashMap<String, File>,
}

#[derive(Debug)]
struct File {
    content: Bytes,
    kind: &'static str,
    tag: String,
}

impl Page {
    /// Reads all files of a directory.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn read(directory: &Path) -> io::Result<Self> {
        let mut page = Self::default();
        page.add(directory, "/")?;
        Ok(page)
    }

    fn add(&mut self, directory: &Path, base: &str) -> io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if entry.file_type()?.is_dir() {
                self.add(&entry.path(), &format!("{base}{name}/"))?;
            } else {
                let file = File::new(&name, std::fs::read(entry.path())?);
                self.files.insert(format!("{base}{name}"), file);
            }
        }
        Ok(())
    }
}

impl File {
    fn new(name: &str, content: Vec<u8>) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("js" | "mjs") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("json" | "map") => "application/json",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        };
        Self {
            tag: format!("{:016x}", hasher.finish()),
            content: content.into(),
            kind,
        }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let tag = EntityTag::new_strong(self.tag.clone());
        let known = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
            Err(_) => false,
        };
        let mut response = if known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        response
            .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
            .insert_header(ETag(tag));
        if known {
            response.finish()
        } else {
            response.content_type(self.kind).body(self.content.clone())
        }
    }
}

/// Whether the web client has a screen at this path.
fn is_screen(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    SCREENS.contains(&first)
}

/// Returns a file of the web client, or its page at the path of a screen. All other paths are not found: an
/// internal path, or one of another listener, must not look like a page.
pub(super) async fn asset(page: Data<Page>, request: HttpRequest) -> HttpResponse {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return method_not_allowed("GET, HEAD").await.respond_to(&request);
    }
    let path = request.path();
    let found = page.files.get(if is_screen(path) { "/index.html" } else { path });
    match found {
        Some(file) => file.answer(&request),
        None => no_such_path().await.respond_to(&request),
    }
}

/// Returns the API reference, which renders `/openapi.json`.
pub(super) async fn docs(page: Data<Page>, request: HttpRequest) -> HttpResponse {
    match page.files.get("/docs.html") {
        Some(file) => file.answer(&request),
        None => no_such_path().await.respond_to(&request),
    }
}
