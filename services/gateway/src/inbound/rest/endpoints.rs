//! The endpoints of the API. A handler's `#[utoipa::path]` names its method, path and answers; its arguments
//! describe what it reads. From both, [`Endpoints`] makes the route and the description.

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, Route};
use utoipa::__dev::SchemaReferences;
use utoipa::Path;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, Paths};
use utoipa::openapi::{RefOr, Schema};

use crate::inbound::rest::problem::{method_not_allowed, no_such_path};

/// The base path of the API.
const BASE: &str = "/api";

/// Adds handlers to the API.
macro_rules! endpoints {
    ($api:ident, $($handler:ident),+ $(,)?) => {
        pastey::paste! { $($api.add::<[<__path_ $handler>], _, _>($handler);)+ }
    };
}
pub(super) use endpoints;

/// Named schemas.
pub(super) type Schemas = Vec<(String, RefOr<Schema>)>;

/// What a handler's argument adds to the description of its operation.
pub(super) trait Describe {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

macro_rules! describe_tuples {
    ($(($($argument:ident)+))+) => { $(
        impl<$($argument: Describe),+> Describe for ($($argument,)+) {
            fn describe(operation: &mut Operation, schemas: &mut Schemas) {
                $($argument::describe(operation, schemas);)+
            }
        }
    )+ };
}

describe_tuples! { (A B) (A B C) (A B C D) (A B C D E) }

/// Adds parameters to an operation.
pub(super) fn add_parameters(operation: &mut Operation, parameters: Vec<Parameter>) {
    let known = operation.parameters.get_or_insert_default();
    known.extend(parameters.into_iter().map(RefOr::T));
}

/// All endpoints, by path in the order of their registration: a literal segment comes before a parameter.
#[derive(Default)]
pub(super) struct Endpoints {
    resources: Vec<Resource>,
    tag: &'static str,
    pub(super) paths: Paths,
    pub(super) schemas: Schemas,
}

struct Resource {
    path: String,
    methods: Vec<Method>,
    routes: Vec<Route>,
}

impl Endpoints {
    /// Adds the endpoints of one tag.
    pub(super) fn tagged(mut self, tag: &'static str, add: impl FnOnce(&mut Self)) -> Self {
        self.tag = tag;
        add(&mut self);
        self
    }

    /// Routes to a handler and describes it.
    pub(super) fn add<P, F, Args>(&mut self, handler: F)
    where
        P: Path + SchemaReferences,
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + Describe + 'static,
    {
        let mut operation = P::operation();
        operation.tags = Some(vec![self.tag.to_owned()]);
        Args::describe(&mut operation, &mut self.schemas);
        P::schemas(&mut self.schemas);
        let path = P::path();
        for method in P::methods() {
            let described = format!("{BASE}{path}");
            self.paths
                .add_path_operation(described, vec![method.clone()], operation.clone());
            self.route(&path, http_method(&method), handler.clone());
        }
    }

    fn route<F, Args>(&mut self, path: &str, method: Method, handler: F)
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        let route = web::method(method.clone()).to(handler);
        match self.resources.iter_mut().find(|resource| resource.path == path) {
            Some(resource) => {
                resource.methods.push(method);
                resource.routes.push(route);
            }
            None => self.resources.push(Resource {
                path: path.to_owned(),
                methods: vec![method],
                routes: vec![route],
            }),
        }
    }

    /// Registers the routes; a known path refuses other methods, and unknown paths are problems.
    pub(super) fn register(self, config: &mut ServiceConfig) {
        let mut scope = web::scope(BASE).default_service(web::to(no_such_path));
        for Resource {
            path,
            methods,
            routes,
        } in self.resources
        {
            let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
            let methods = methods.join(", ");
            let refuse = web::to(move || method_not_allowed(methods.clone()));
            let resource = web::resource(path).default_service(refuse);
            scope = scope.service(routes.into_iter().fold(resource, actix_web::Resource::route));
        }
        config.service(scope);
    }
}

fn http_method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
