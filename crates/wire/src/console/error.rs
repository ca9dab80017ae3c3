//! Refusals of the console: a name for programs and a sentence for people, in English or Chinese.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The one shape of a refusal: `{"error": {"code": "not_found", "message": "…"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleErrorBody {
    /// The refusal.
    pub error: ConsoleErrorDetail,
}

/// The inside of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleErrorDetail {
    /// What it is called; programs look at this.
    pub code: String,
    /// A sentence for whoever asked, in their language.
    pub message: String,
    /// The field at fault, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// A refusal before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleError {
    /// Which.
    pub problem: Problem,
    /// More than the table says about it, in English.
    pub detail: Option<String>,
    /// The field at fault.
    pub field: Option<String>,
    /// In which language to say it.
    pub language: Language,
}

/// A language of sentences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl ConsoleError {
    /// The refusal with the sentence of the table.
    pub fn of(problem: Problem) -> Self {
        Self { problem, detail: None, field: None, language: Language::English }
    }

    /// The refusal with a sentence that says more, where English is spoken.
    pub fn saying(problem: Problem, detail: &(impl ToString + ?Sized)) -> Self {
        Self { detail: Some(detail.to_string()), ..Self::of(problem) }
    }

    /// The refusal of this field.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// What is sent.
    pub fn body(&self) -> ConsoleErrorBody {
        let message = match (self.language, &self.detail) {
            (Language::English, Some(detail)) => sentence(detail),
            (Language::English, None) => self.problem.english().to_owned(),
            (Language::Chinese, _) => self.problem.chinese().to_owned(),
        };
        let (code, field) = (self.problem.code().to_owned(), self.field.clone());
        ConsoleErrorBody { error: ConsoleErrorDetail { code, message, field } }
    }
}

/// Errors are written lower case and without a stop inside; people get a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

macro_rules! problems {
    ($($name:ident $code:literal $status:literal $english:literal $chinese:literal)*) => {
        /// Everything that the console refuses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each is said by its row in the table")]
        pub enum Problem {
            $($name,)*
        }

        impl Problem {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is called.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Its HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Its sentence in English.
            pub fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }

            /// Its sentence in Chinese.
            pub fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

problems! {
    NotSignedIn "not_signed_in" 401 "Log in first." "请先登录。"
    LoginWrong "login_wrong" 401 "The address or the password is wrong." "邮箱或密码错误。"
    CodeNeeded "code_needed" 401 "A code of your second factor is needed." "需要两步验证码。"
    CodeWrong "code_wrong" 401 "The code is wrong or was used; wait for the next one." "验证码错误或已使用，请等待下一个。"
    AddressUnverified "address_unverified" 403 "Open the link in the letter first, or ask for another letter." "邮箱尚未验证，请先打开邮件中的链接。"
    LoginLocked "login_locked" 403 "This login is locked; write to the operator." "该登录已被锁定，请联系管理员。"
    CsrfTokenWrong "csrf_token_wrong" 403 "The header `x-csrf-token` is missing or of another session; reload the page." "缺少或错误的 `x-csrf-token`，请刷新页面。"
    OtherOrigin "other_origin" 403 "This page does not belong to the console." "请求来自其他网站。"
    KeyReadsOnly "key_reads_only" 403 "An API key only reads here; log in for this." "API Key 仅可读取，请登录后操作。"
    RoleNotAllowed "role_not_allowed" 403 "Your role does not allow this; ask an owner of the account." "您的角色无权执行此操作，请联系账户所有者。"
    OperatorOnly "operator_only" 403 "Only the operator of this platform may do this." "仅平台管理员可执行此操作。"
    ProofWrong "proof_wrong" 403 "This does not show that it is you; type your password, or ask for a letter." "无法确认是您本人，请输入密码或索取确认邮件。"
    PasswordWrong "password_wrong" 403 "The present password is wrong." "当前密码错误。"
    SignUpClosed "sign_up_closed" 403 "Sign-up is closed here; ask the operator for a login." "本站未开放注册，请联系管理员。"
    InvitationNeeded "invitation_needed" 403 "Sign-up needs an invitation; ask a member of an account for one." "注册需要邀请，请向账户成员索取。"
    TooYoung "too_young" 403 "You are too young to sign up here." "您的年龄不符合注册要求。"
    NoLogin "no_login" 403 "You have no login here yet; sign up first." "您尚未注册，请先注册。"
    OtherAddress "other_address" 403 "The invitation was sent to another address." "该邀请发往其他邮箱。"
    NotFound "not_found" 404 "There is no such thing, or it is not yours." "不存在，或不属于您。"
    MethodNotAllowed "method_not_allowed" 405 "This path does not answer to this HTTP method." "该路径不支持此 HTTP 方法。"
    AddressTaken "address_taken" 409 "This address has a login already." "该邮箱已注册。"
    AlreadyMember "already_member" 409 "This person belongs to the account already." "该用户已是账户成员。"
    LastOwner "last_owner" 409 "An account needs an owner; make someone else an owner first." "账户必须有所有者，请先指定其他所有者。"
    LastWay "last_way" 409 "This is the only way you can log in; set a password first." "这是您唯一的登录方式，请先设置密码。"
    NotLinked "not_linked" 409 "There is a login already; log in with it, then link the two." "该邮箱已注册，请先登录后再关联。"
    FactorExists "factor_exists" 409 "A second factor is set up already; take it away first." "已启用两步验证，请先停用。"
    FactorMissing "factor_missing" 409 "No second factor is set up." "尚未设置两步验证。"
    ChangedMeanwhile "changed_meanwhile" 409 "Someone else changed this meanwhile; look again." "内容已被他人更改，请刷新后重试。"
    IllegalState "illegal_state" 409 "This cannot be done from where it stands." "当前状态不允许此操作。"
    AmountRefused "amount_refused" 409 "This amount cannot be booked." "该金额无法入账。"
    TooMany "too_many" 409 "There are as many as there may be." "数量已达上限。"
    IdempotencyRunning "idempotency_running" 409 "The first request with this `Idempotency-Key` is still running." "使用该 `Idempotency-Key` 的请求仍在处理中。"
    InvitationGone "invitation_gone" 410 "The invitation is no longer good; ask for a new one." "邀请已失效，请索取新的邀请。"
    LinkGone "link_gone" 410 "The link is no longer good; ask for a new one." "链接已失效，请重新索取。"
    BodyTooLarge "body_too_large" 413 "The request is too large." "请求过大。"
    InvalidBody "invalid_body" 400 "The body is not JSON of the form that is asked for." "请求体不是有效的 JSON。"
    JourneyLost "journey_lost" 400 "This login did not begin here or took too long; begin again." "登录流程已失效，请重新开始。"
    InvalidField "invalid_field" 422 "A field cannot have this value." "字段值无效。"
    PasswordUnusable "password_unusable" 422 "A password has at least 10 characters and at most 256 bytes." "密码至少 10 个字符，最多 256 字节。"
    BirthDateNeeded "birth_date_needed" 422 "Say when you were born." "请填写出生日期。"
    GuardianNeeded "guardian_needed" 422 "A parent or guardian has to permit it." "需要监护人同意。"
    IdempotencyKeyReused "idempotency_key_reused" 422 "This `Idempotency-Key` was used for another request." "该 `Idempotency-Key` 已用于其他请求。"
    TooManyTries "too_many_tries" 429 "Too many tries; wait a moment." "尝试次数过多，请稍后再试。"
    IdempotencyFull "idempotency_full" 429 "Too many idempotency keys are in use; wait a moment." "幂等键过多，请稍后再试。"
    Internal "internal" 500 "A mistake of ours; it is in the log." "内部错误，已记录。"
    ProviderFailed "provider_failed" 502 "The login provider did not say who you are; begin again." "登录提供方未能确认您的身份，请重新开始。"
    Busy "busy" 503 "Too much at once; try again in a moment." "系统繁忙，请稍后再试。"
    Unavailable "unavailable" 503 "This is not available now; try again in a moment." "服务暂不可用，请稍后再试。"
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_differ_and_every_sentence_is_one() {
        let names: HashSet<_> = Problem::ALL.iter().map(|problem| problem.code()).collect();
        assert_eq!(names.len(), Problem::ALL.len());
        for problem in Problem::ALL {
            let name = problem.code();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(problem.english().ends_with('.') && problem.chinese().ends_with('。'), "{name}");
            assert!((400..600).contains(&problem.status()), "{name}");
        }
    }

    /// AUTH-12: `Accept-Language` chooses the language of messages.
    #[test]
    fn a_detail_is_a_sentence_in_english_and_the_table_speaks_chinese() {
        let mut error =
            ConsoleError::saying(Problem::InvalidField, "a name is 1 to 100 characters").at("name");
        assert_eq!(error.body().error.message, "A name is 1 to 100 characters.");
        error.language = Language::Chinese;
        assert_eq!(error.body().error.message, Problem::InvalidField.chinese());
    }
}
