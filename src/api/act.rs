//! Doing something to the bank in a person's name: written down first, done, its end written down, and told. Once begun it
//! runs to its end, whether or not the caller still listens.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wardwire_core::modem::{Answer, Order, OrderResult};

use super::Context;
use super::auth::Caller;
use super::orders::OrderError;
use super::problem::{Code, Problem};
use crate::store::NewAudit;

/// What is to be done, as the record will show it.
pub(super) struct Act {
    /// As `modem.restart`.
    pub(super) action: &'static str,
    /// Label of a modem or id of a SIM.
    pub(super) target: String,
    /// More of it; runs of digits that could be a number are masked here.
    pub(super) detail: String,
}

impl Act {
    /// An act without more to say.
    pub(super) fn on(action: &'static str, target: impl ToString) -> Self {
        Self {
            action,
            target: target.to_string(),
            detail: String::new(),
        }
    }

    /// With more to say.
    pub(super) fn with(self, detail: &str) -> Self {
        Self {
            detail: masked(detail),
            ..self
        }
    }
}

/// Does `work` with its row in the record; `tell` puts what came of it into a word.
///
/// # Errors
/// When the record cannot be written, and then nothing was done; else what `work` gives.
pub(super) async fn recorded<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    context: &Context,
    caller: &Caller,
    act: Act,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
    tell: fn(&Result<T, E>) -> String,
) -> Result<T, Problem> {
    let actor = match caller {
        Caller::LocalAdmin => "local admin".to_owned(),
        Caller::Key { key, .. } => key.to_string(),
    };
    let row = NewAudit {
        actor,
        action: act.action,
        target: act.target,
        detail: act.detail,
    };
    let store = context.store.clone();
    let sequence = store.audit(row).await?;
    let done = tokio::spawn(async move {
        let result = work.await;
        if let Err(error) = store.audit_outcome(sequence, tell(&result)).await {
            tracing::error!(%error, sequence, "the end of a recorded act could not be written");
        }
        result
    });
    match done.await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(Problem::new(
            Code::Internal,
            "the act broke off; the record shows how far it came",
        )),
    }
}

/// Gives an order to a modem, with its row in the record.
pub(super) async fn order(
    context: &Context,
    caller: &Caller,
    modem: &str,
    order: Order,
    act: Act,
) -> Result<OrderResult, Problem> {
    let (orders, modem) = (context.orders.clone(), modem.to_owned());
    let work = async move { orders.give(&modem, order).await };
    recorded(context, caller, act, work, told).await
}

/// How an order ended, for the record: never what was answered.
fn told(result: &Result<OrderResult, OrderError>) -> String {
    match result {
        Ok(OrderResult::Done | OrderResult::Lines(_) | OrderResult::Networks(_)) => "done".to_owned(),
        Ok(OrderResult::Refused(answer)) => format!("refused: {}", answered(*answer)),
        Ok(OrderResult::Unknown) => "unknown: the modem's answer was lost".to_owned(),
        Ok(OrderResult::NotNow(why)) => format!("not now: {}", why.as_str()),
        Ok(OrderResult::NotAllowed(why)) => format!("not allowed: {why}"),
        Err(error) => error.to_string(),
    }
}

/// What the modem answered, as it says it.
pub(super) fn answered(answer: Answer) -> String {
    match answer {
        Answer::Cms(code) => format!("the modem answered +CMS ERROR: {code}"),
        Answer::Cme(code) => format!("the modem answered +CME ERROR: {code}"),
        Answer::Error => "the modem answered ERROR".to_owned(),
        Answer::NoPrompt => "the modem did not answer".to_owned(),
        Answer::Withdrawn => "it was withdrawn".to_owned(),
    }
}

/// The lines of a good end; anything else is a problem.
pub(super) fn lines(result: OrderResult) -> Result<Vec<String>, Problem> {
    match result {
        OrderResult::Done => Ok(Vec::new()),
        OrderResult::Lines(lines) => Ok(lines),
        OrderResult::Networks(networks) => Ok(networks.iter().map(ToString::to_string).collect()),
        OrderResult::Refused(answer) => Err(Problem::new(Code::ModemRefused, answered(answer))),
        OrderResult::Unknown => Err(Problem::new(
            Code::OutcomeUnknown,
            "it was given to the modem, whose answer was lost: look at its state before it is given again",
        )),
        OrderResult::NotNow(why) => Err(Problem::new(Code::NotNow, why.as_str())),
        OrderResult::NotAllowed(why) => Err(Problem::new(Code::CommandNotAllowed, why)),
    }
}

/// The answer to an order that has nothing to tell but its end.
pub(super) fn done(result: OrderResult) -> Result<Response, Problem> {
    lines(result).map(|_| Json(json!({ "outcome": "done" })).into_response())
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::NoSuchModem => Self::new(Code::NotFound, "there is no such modem"),
            OrderError::Busy => Self::new(Code::NotReady, "too many orders wait, try again").retry_after(5),
            OrderError::Gone => Self::new(Code::NotReady, "the bank does not run: start the gateway").retry_after(10),
        }
    }
}

/// Runs of seven digits and more, which could be a phone number or an identity, as asterisks.
pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    let end = |run: &mut String, out: &mut String| {
        match run.len() {
            0..=6 => out.push_str(run),
            _ => out.push_str("***"),
        }
        run.clear();
    };
    for c in text.chars() {
        if c.is_ascii_digit() {
            run.push(c);
        } else {
            end(&mut run, &mut out);
            out.push(c);
        }
    }
    end(&mut run, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn what_could_be_a_number_is_masked_and_a_code_is_not() {
        for (text, shown) in [
            ("AT+CSQ", "AT+CSQ"),
            ("AT+COPS=1,2,\"27201\"", "AT+COPS=1,2,\"27201\""),
            ("*140*0871234567#", "*140****#"),
            ("+353871234567", "+***"),
            ("123456", "123456"),
            ("", ""),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
