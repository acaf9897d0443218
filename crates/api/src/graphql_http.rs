//! GraphQL over HTTP, by the letter of the specification's draft; checked by the `graphql-http` audit.
//!
//! - `application/graphql-response+json` is answered when asked for, `application/json` otherwise.
//! - POST takes `application/json` only, so that no other site can post without a preflight; GET runs
//!   queries only. Together with the strict cookie this is the whole defence against forged requests.
//! - A request that failed before execution has no `data`; it is a 400 for the new media type and a
//!   200 for the old one, which is what old clients expect.
//! - Bodies, batches, aliases, depth and complexity are bounded before anything runs.

use crate::auth::{Bearer, Caller, Gate, Peer, RefreshToken};
use crate::fault::{self, Code, Fault};
use crate::graphql::loaders::PerOperation;
use crate::operation::{self, Limits};
use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Request, Response, ServerError, Variables};
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{self, HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;

/// Everything a GraphQL transport needs: the schema, who calls, and the bounds.
pub struct Endpoint<E> {
    pub schema: E,
    pub gate: Arc<dyn Gate>,
    pub limits: Limits,
    /// Trusted reverse proxies in front of this process.
    pub proxies: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Json,
    Response,
}

impl Media {
    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Response => "application/graphql-response+json; charset=utf-8",
        })
    }
}

/// One request as it came, before it is looked at. `variables` and `extensions` must be maps.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<Variables>,
    extensions: Option<std::collections::HashMap<String, async_graphql::Value>>,
}

enum Parsed {
    One(Box<Request>),
    Many(Vec<Request>),
}

/// A refusal of the request as a whole.
struct Refused {
    status: StatusCode,
    fault: Fault,
}

impl Refused {
    fn bad(message: impl Into<String>) -> Self {
        Self::with(StatusCode::BAD_REQUEST, message)
    }

    fn with(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            fault: Fault::new(Code::BadUserInput, message),
        }
    }
}

impl<E: Executor> Endpoint<E> {
    /// Answers one HTTP request. Upgrades to a WebSocket are taken away before this.
    pub async fn answer(&self, request: http::Request<Body>) -> http::Response<Body> {
        let (parts, body) = request.into_parts();
        let Some(media) = negotiate(&parts.headers) else {
            return plain(StatusCode::NOT_ACCEPTABLE);
        };
        let reads_only = parts.method == Method::GET;
        let parsed = match parts.method {
            Method::GET => from_query(parts.uri.query().unwrap_or_default()),
            Method::POST => self.read_body(&parts.headers, body).await,
            _ => {
                let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
                let allowed = HeaderValue::from_static("GET, POST");
                response.headers_mut().insert(ALLOW, allowed);
                return response;
            }
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(refused) => return refuse(media, &refused),
        };
        let context = match self.context(&parts).await {
            Ok(context) => context,
            Err(refused) => return refuse(media, &refused),
        };
        match parsed {
            Parsed::One(request) => match self.run(*request, &context, reads_only).await {
                Ok(response) => single(media, response),
                Err(refused) => refuse(media, &refused),
            },
            Parsed::Many(requests) => self.batch(requests, &context).await,
        }
    }

    async fn context(&self, parts: &http::request::Parts) -> Result<Context, Refused> {
        let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let headers = &parts.headers;
        let caller = match Bearer::from_headers(headers) {
            Ok(None) => Ok(None),
            Ok(Some(bearer)) => self.gate.authenticate(&bearer).await.map(Some),
            Err(refusal) => Err(refusal),
        };
        let caller = caller.map_err(|refusal| Refused {
            status: match refusal {
                crate::auth::Refusal::Invalid => StatusCode::UNAUTHORIZED,
                crate::auth::Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
            fault: refusal.fault(),
        })?;
        Ok(Context {
            caller: Caller(caller),
            peer: Peer::from_headers(headers, socket.map(|info| info.0.ip()), self.proxies),
            refresh: RefreshToken::from_headers(headers),
        })
    }

    async fn read_body(&self, headers: &HeaderMap, body: Body) -> Result<Parsed, Refused> {
        if !is_json(headers) {
            return Err(Refused::with(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Post application/json.",
            ));
        }
        let bytes = axum::body::to_bytes(body, self.limits.body_bytes_max)
            .await
            .map_err(|_| Refused::with(StatusCode::PAYLOAD_TOO_LARGE, "The request is too big."))?;
        from_json(&bytes, self.limits.batch_max)
    }

    async fn run(
        &self,
        mut request: Request,
        context: &Context,
        reads_only: bool,
    ) -> Result<Response, Refused> {
        match operation::inspect(&mut request, &self.limits) {
            Err(error) => return Ok(failed(error)),
            Ok(Some(OperationType::Subscription)) => {
                return Err(Refused::bad("Subscribe over a WebSocket."));
            }
            Ok(Some(OperationType::Mutation)) if reads_only => {
                return Err(Refused::with(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "Post mutations.",
                ));
            }
            Ok(_) => {}
        }
        let request = request
            .data(context.caller.clone())
            .data(context.peer.clone())
            .data(context.refresh.clone())
            .data(PerOperation::default());
        let mut response = self.schema.execute(request).await;
        fault::finish(&mut response);
        Ok(response)
    }

    /// Runs a batch in its order, so that a later mutation sees what an earlier one did.
    async fn batch(&self, requests: Vec<Request>, context: &Context) -> http::Response<Body> {
        let mut headers = HeaderMap::new();
        let mut bodies = Vec::with_capacity(requests.len());
        for request in requests {
            let response = match self.run(request, context, false).await {
                Ok(response) => response,
                Err(refused) => failed(refused.fault.to_server_error()),
            };
            headers.extend(response.http_headers.clone());
            bodies.push(body_of(&response));
        }
        // Batches are not part of the specification: clients that send them expect plain JSON.
        write(Media::Json, StatusCode::OK, headers, &bodies)
    }
}

struct Context {
    caller: Caller,
    peer: Peer,
    refresh: RefreshToken,
}

fn failed(error: ServerError) -> Response {
    let mut response = Response::from_errors(vec![error]);
    fault::finish(&mut response);
    response
}

fn from_json(bytes: &Bytes, batch_max: usize) -> Result<Parsed, Refused> {
    let invalid =
        |error: serde_json::Error| Refused::bad(format!("Not a GraphQL request: {error}"));
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'[') {
        let params: Params = serde_json::from_slice(bytes).map_err(invalid)?;
        return params
            .into_request()
            .map(|request| Parsed::One(Box::new(request)));
    }
    let all: Vec<Params> = serde_json::from_slice(bytes).map_err(invalid)?;
    if all.is_empty() || all.len() > batch_max {
        return Err(Refused::bad(format!(
            "A batch has 1 to {batch_max} requests."
        )));
    }
    all.into_iter()
        .map(Params::into_request)
        .collect::<Result<_, _>>()
        .map(Parsed::Many)
}

fn from_query(query: &str) -> Result<Parsed, Refused> {
    let mut params = Params {
        query: None,
        operation_name: None,
        variables: None,
        extensions: None,
    };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let invalid = |_| Refused::bad(format!("`{name}` is not a JSON object."));
        match &*name {
            "query" => params.query = Some(value.into_owned()),
            "operationName" => params.operation_name = Some(value.into_owned()),
            "variables" => params.variables = serde_json::from_str(&value).map_err(invalid)?,
            "extensions" => params.extensions = serde_json::from_str(&value).map_err(invalid)?,
            _ => {}
        }
    }
    params
        .into_request()
        .map(|request| Parsed::One(Box::new(request)))
}

impl Params {
    fn into_request(self) -> Result<Request, Refused> {
        let query = self
            .query
            .ok_or_else(|| Refused::bad("`query` is missing."))?;
        let mut request = Request::new(query).variables(self.variables.unwrap_or_default());
        request.operation_name = self.operation_name;
        if let Some(extensions) = self.extensions {
            request.extensions.0 = extensions;
        }
        Ok(request)
    }
}

/// The media type to answer with; `None` when the client takes neither.
fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let mut best: Option<(f32, Media)> = None;
    let mut named = false;
    let ranges = headers.get_all(ACCEPT).iter();
    for range in ranges.flat_map(|value| value.to_str().unwrap_or_default().split(',')) {
        let mut pieces = range.split(';').map(str::trim);
        let media = match pieces
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "" => continue,
            "application/graphql-response+json" => Some(Media::Response),
            "application/json" | "application/*" | "*/*" => Some(Media::Json),
            _ => None,
        };
        named = true;
        let quality = pieces
            .find_map(|piece| piece.strip_prefix("q="))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        if let Some(media) = media
            && quality > 0.0
            && best.is_none_or(|(least, _)| quality > least)
        {
            best = Some((quality, media));
        }
    }
    match best {
        Some((_, media)) => Some(media),
        None if named => None,
        None => Some(Media::Json),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let mut pieces = value.split(';').map(str::trim);
    let json = pieces
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    let charset = pieces.find_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        name.eq_ignore_ascii_case("charset")
            .then(|| value.trim_matches('"'))
    });
    json && charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

/// No resolver ran: the request was wrong as a whole.
pub fn failed_before_execution(response: &Response) -> bool {
    !response.errors.is_empty()
        && response.data == async_graphql::Value::Null
        && response.errors.iter().all(|error| error.path.is_empty())
}

fn body_of(response: &Response) -> serde_json::Value {
    let mut body = serde_json::to_value(response).unwrap_or_default();
    if failed_before_execution(response)
        && let Some(members) = body.as_object_mut()
    {
        members.remove("data");
    }
    body
}

fn single(media: Media, mut response: Response) -> http::Response<Body> {
    let headers = std::mem::take(&mut response.http_headers);
    if failed_before_execution(&response) {
        let status = match media {
            Media::Json => StatusCode::OK,
            Media::Response => StatusCode::BAD_REQUEST,
        };
        return write(media, status, headers, &body_of(&response));
    }
    write(media, StatusCode::OK, headers, &response)
}

fn refuse(media: Media, refused: &Refused) -> http::Response<Body> {
    let response = Response::from_errors(vec![refused.fault.to_server_error()]);
    let mut answer = write(media, refused.status, HeaderMap::new(), &body_of(&response));
    if refused.status == StatusCode::METHOD_NOT_ALLOWED {
        answer
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
    }
    if refused.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        answer
            .headers_mut()
            .insert(http::header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

fn write<T: serde::Serialize>(
    media: Media,
    status: StatusCode,
    headers: HeaderMap,
    body: &T,
) -> http::Response<Body> {
    let Ok(bytes) = serde_json::to_vec(body) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = http::Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let out = response.headers_mut();
    out.extend(headers);
    out.insert(CONTENT_TYPE, media.content_type());
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    out.insert(VARY, HeaderValue::from_static("accept, authorization"));
    response
}

fn plain(status: StatusCode) -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
