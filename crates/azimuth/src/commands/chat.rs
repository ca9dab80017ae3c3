use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use futures::StreamExt;
use inference::{ChatEngine, ChatEvent, ChatRequest, Message, Part};
use outbound::remote::{Kind, RemoteConfig, RemoteEngine};
use vocab::{ModelName, Secret};

use crate::cli::{Chat, Global};
use crate::terminal::dim;

pub(super) async fn run(global: &Global, options: Chat) -> anyhow::Result<ExitCode> {
    let key = match &options.key {
        Some(key) => Secret::new(key.clone()),
        None => own_key(global).await.context("give a key with --key or ZAI_API_KEY")?,
    };
    let mut host = RemoteConfig::new(&options.base_url, Kind::ZAi, &options.base_url, &options.model);
    host.key = Some(key);
    let mut conversation = Conversation {
        host: RemoteEngine::new(host)?,
        model: options.model.parse()?,
        thinks: !options.no_thinking,
        messages: options
            .system
            .iter()
            .map(|text| Message::System { content: vec![Part::text(text)] })
            .collect(),
    };

    if let Some(message) = &options.message {
        conversation.say(message).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let asks = std::io::stdin().is_terminal();
    if asks {
        eprintln!("{}", dim("An empty line or Ctrl-D ends the conversation."));
    }
    loop {
        if asks {
            eprint!("› ");
        }
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        conversation.say(line.trim()).await?;
    }
}

/// The operator's key, when the server's data folder is on this machine.
async fn own_key(global: &Global) -> anyhow::Result<Secret> {
    let folder = super::configuration(global)?.data.dir;
    if !folder.join("azimuth.db").exists() {
        bail!("{} holds no installation", folder.display());
    }
    let books = super::books(global).await?;
    let operator = books.accounts.ensure_operator().await?;
    Ok(books.keys.reveal_one(operator.account.id).await?)
}

struct Conversation {
    host: RemoteEngine,
    model: ModelName,
    thinks: bool,
    messages: Vec<Message>,
}

impl Conversation {
    /// Says `text` and prints the answer as it comes.
    async fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.messages.push(Message::User { content: vec![Part::text(text)] });
        let mut request = ChatRequest::new(self.model.clone(), self.messages.clone());
        request.thinking.enabled = self.thinks;

        let mut events = self.host.chat(request).await?;
        let mut out = std::io::stdout();
        let mut answer = String::new();
        let mut is_thinking = false;
        while let Some(event) = events.next().await {
            match event? {
                ChatEvent::Reasoning(text) => {
                    is_thinking = true;
                    write!(out, "{}", dim(&text))?;
                }
                ChatEvent::Content(text) => {
                    if std::mem::take(&mut is_thinking) {
                        writeln!(out, "\n")?;
                    }
                    write!(out, "{text}")?;
                    answer.push_str(&text);
                }
                ChatEvent::Finished { usage, .. } => {
                    writeln!(out)?;
                    eprintln!("{}", dim(&format!("{} + {} tokens", usage.prompt(), usage.completion())));
                }
                _ => {}
            }
            out.flush()?;
        }
        self.messages.push(Message::Assistant { content: answer, reasoning: None, tool_calls: Vec::new() });
        Ok(())
    }
}
