//! The query protocol (STS, IAM): forms in, XML out. Also the XML error body of S3 for calls that end before S3.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use uuid::Uuid;

use super::{ApiError, ErrorCode, Protocol};

/// A decoded `application/x-www-form-urlencoded` request.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// The parameter, where an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The parameter.
    ///
    /// # Errors
    /// `ValidationError` when it is absent.
    pub(crate) fn require(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| {
            ApiError::new(
                ErrorCode::ValidationError,
                format!("The request must contain the parameter {name}"),
            )
        })
    }

    /// The values of `<name>.member.1`, `<name>.member.2`, … up to the first gap.
    pub(crate) fn members(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|index| self.0.get(&format!("{name}.member.{index}"))).map(String::as_str).collect()
    }

    /// The pairs of `<name>.member.N.Key` and `<name>.member.N.Value` up to the first gap.
    pub(crate) fn pairs(&self, name: &str) -> Vec<(&str, &str)> {
        (1..)
            .map_while(|index| {
                let key = self.0.get(&format!("{name}.member.{index}.Key"))?;
                let value = self.0.get(&format!("{name}.member.{index}.Value"))?;
                Some((key.as_str(), value.as_str()))
            })
            .collect()
    }
}

/// An XML document under construction; text is escaped on the way in.
pub(crate) struct Xml(String);

impl Xml {
    /// The answer of `operation`: whatever `fill` writes inside its result element.
    pub(crate) fn response(namespace: &str, operation: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(format!("<{operation}Response xmlns=\"{namespace}\">"));
        xml.element(&format!("{operation}Result"), fill);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", &Uuid::new_v4().to_string()));
        let _ = write!(xml.0, "</{operation}Response>");
        xml.0
    }

    pub(crate) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        let _ = write!(self.0, "<{name}>");
        fill(self);
        let _ = write!(self.0, "</{name}>");
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        let _ = write!(self.0, "<{name}>{}</{name}>", escape(value));
    }
}

pub(super) fn error_body(error: &ApiError) -> String {
    let is_ours = error.status(Protocol::Query).is_server_error();
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>{}</Type>\
         <Code>{}</Code><Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
        if is_ours { "Receiver" } else { "Sender" },
        error.code.as_str(),
        escape(&error.message),
        Uuid::new_v4()
    )
}

pub(super) fn s3_error_body(error: &ApiError) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
        error.code.as_str(),
        escape(&error.message)
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_members_are_read_in_order_up_to_the_first_gap() {
        let form = Form::parse(b"Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.3.Key=c&Tags.member.3.Value=3&K.member.1=x&K.member.2=y");
        assert_eq!(form.pairs("Tags"), vec![("a", "1")]);
        assert_eq!(form.members("K"), vec!["x", "y"]);
    }

    #[test]
    fn text_cannot_break_out_of_its_element() {
        let xml = Xml::response("urn:x", "Op", |xml| xml.text("Name", "a</Name><b>&\""));
        assert!(xml.contains("<Name>a&lt;/Name&gt;&lt;b&gt;&amp;&quot;</Name>"), "{xml}");
    }
}
