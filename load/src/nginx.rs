use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::cores::Cores;
use crate::limits::open_files_max;
use crate::machine;
use crate::process::Process;

/// An nginx that passes everything on to the upstream.
pub struct Nginx {
    pub process: Process,
    /// Host and port.
    pub address: String,
}

/// What nginx says of its version; `None` where it is not installed.
pub fn version() -> Option<String> {
    machine::version("nginx", "-v")
}

impl Nginx {
    pub fn start(upstream: &str, workers: usize, cores: &Cores, folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let address = free_address()?;
        let config = folder.join("nginx.conf");
        fs::write(&config, configuration(upstream, &address, workers, folder))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&config);
        let mut process = Process::start("nginx", command, cores, &folder.join("nginx.log"))?;
        process.wait_until(Duration::from_secs(10), || TcpStream::connect(&address).is_ok())?;
        Ok(Self { process, address })
    }
}

/// Event streams pass unbuffered and connections to the upstream are kept; nothing is logged or counted.
fn configuration(upstream: &str, address: &str, workers: usize, folder: &Path) -> String {
    let folder = folder.display();
    let files = open_files_max();
    // nginx begins to close connections when few of these are left, so there are more than will ever be open.
    let connections = files.saturating_mul(2).min(1 << 20);
    // Only root may say who the workers are, and must, or they could not use the folder.
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    format!(
        "{user}
daemon off;
worker_processes {workers};
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  client_body_buffer_size 64k;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream model_host {{
    server {upstream};
    keepalive 512;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
  }}
  server {{
    listen {address} backlog=4096;
    location / {{
      proxy_pass http://model_host;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
      proxy_read_timeout 3600s;
    }}
  }}
}}
"
    )
}

fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
