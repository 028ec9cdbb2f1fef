//! An HTTP server that records requests and responds with a status of the test's choice.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

type Answer = Arc<dyn Fn(&Request) -> u16 + Send + Sync>;

/// Stops when dropped.
pub(crate) struct Fake {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    answer: Arc<Mutex<Answer>>,
    task: AbortHandle,
}

impl Fake {
    pub(crate) async fn start(answer: impl Fn(&Request) -> u16 + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Arc::new(answer)));
        let (seen, answers) = (Arc::clone(&requests), Arc::clone(&answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&answers)));
            }
        });
        Self {
            address,
            requests,
            answer,
            task: task.abort_handle(),
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn answer(&self, answer: impl Fn(&Request) -> u16 + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    /// Returns the first request whose request line contains the text.
    pub(crate) fn find(&self, text: &str) -> Option<Request> {
        self.requests()
            .into_iter()
            .find(|request| request.line.contains(text))
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.requests()
            .iter()
            .filter(|request| request.line.contains(text))
            .count()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Request>>>, answers: Arc<Mutex<Answer>>) {
    let mut stream = BufReader::new(stream);
    let request = read(&mut stream).await;
    let answer = Arc::clone(&answers.lock().unwrap());
    let status = answer(&request);
    seen.lock().unwrap().push(request);
    let text = format!("HTTP/1.1 {status} Fake\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    // The client may have disconnected.
    let _ = stream.write_all(text.as_bytes()).await;
}

async fn read(stream: &mut BufReader<TcpStream>) -> Request {
    let mut request = Request::default();
    stream.read_line(&mut request.line).await.unwrap();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        request.headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    request.body = String::from_utf8(body).unwrap();
    request
}
