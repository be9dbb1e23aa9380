//! Applies the sources to the defaults: AWS's own variables, then the file, then `LAKEGATE__…`; later wins.
//!
//! Nothing is skipped: a section or key that does not exist is a problem, with the nearest existing one named.
//! A misspelt `policy_ttl` that silently kept its default would be a security setting that does not hold.

use super::Settings;
use super::problem::Problem;
use super::section::Given;
use super::users::UserDrafts;

/// Prefix of the environment variables that are settings.
const PREFIX: &str = "LAKEGATE__";

/// Two names closer than this are taken for a typing error (1 is equal, 0 is nothing in common).
const NEAREST_AT_LEAST: f64 = 0.6;

/// Variables that AWS's own tools read, and the settings they stand for.
const AWS_VARIABLES: [(&str, &str); 2] = [("AWS_REGION", "region"), ("AWS_ENDPOINT_URL", "endpoint_url")];

/// Settings under construction.
#[derive(Default)]
pub(super) struct Builder {
    settings: Settings,
    users: UserDrafts,
    problems: Vec<Problem>,
}

impl Builder {
    /// Applies the variables that AWS's own tools read.
    pub(super) fn apply_aws_variables(&mut self, environment: &[(String, String)]) {
        for (name, text) in environment {
            let known = AWS_VARIABLES.iter().find(|(variable, _)| variable == name);
            if let Some((variable, key)) = known
                && !text.is_empty()
            {
                self.assign("aws", key, (*variable).to_owned(), &Given::Environment(text));
            }
        }
    }

    /// Applies the file's content.
    pub(super) fn apply_file(&mut self, file: &toml::Table) {
        for (section, content) in file {
            let Some(content) = content.as_table() else {
                self.problems.push(self.not_a_section(section));
                continue;
            };
            if section == "users" {
                content.iter().for_each(|(user, keys)| self.apply_file_user(user, keys));
            } else if self.settings.section_mut(section).is_none() {
                self.problems.push(self.unknown_section(section.clone(), section));
            } else {
                for (key, value) in content {
                    self.assign(section, key, format!("{section}.{key}"), &Given::File(value));
                }
            }
        }
    }

    fn apply_file_user(&mut self, user: &str, keys: &toml::Value) {
        let origin = format!("users.{user}");
        let Some(keys) = keys.as_table() else {
            self.problems.push(Problem::NotATable { origin });
            return;
        };
        for (key, value) in keys {
            let origin = format!("{origin}.{key}");
            let assigned = self.users.assign(user, key, origin, &Given::File(value));
            self.problems.extend(assigned.err());
        }
    }

    /// Applies every variable that begins with `LAKEGATE__`. Sections and keys are read in any case, a user's
    /// name as it stands: user names differ by case.
    pub(super) fn apply_environment(&mut self, environment: &[(String, String)]) {
        for (name, text) in environment {
            let Some(path) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let parts: Vec<&str> = path.split("__").collect();
            let given = Given::Environment(text);
            match parts.as_slice() {
                [users, user, key] if users.eq_ignore_ascii_case("users") => {
                    let assigned = self.users.assign(user, &key.to_ascii_lowercase(), name.clone(), &given);
                    self.problems.extend(assigned.err());
                }
                [section, key] => {
                    let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
                    self.assign(&section, &key, name.clone(), &given);
                }
                _ => self.problems.push(Problem::UnknownKey { origin: name.clone(), nearest: None }),
            }
        }
    }

    /// The settings, and what is wrong with the sources.
    pub(super) fn finish(mut self) -> (Settings, Vec<Problem>) {
        self.settings.users = self.users.finish(&mut self.problems);
        (self.settings, self.problems)
    }

    fn assign(&mut self, section: &str, key: &str, origin: String, given: &Given<'_>) {
        let Some(target) = self.settings.section_mut(section) else {
            self.problems.push(self.unknown_section(origin, section));
            return;
        };
        if target.keys().contains(&key) {
            let assigned = target.assign(key, origin, given);
            self.problems.extend(assigned.err());
        } else {
            let nearest = self.nearest_key(section, key);
            self.problems.push(Problem::UnknownKey { origin, nearest });
        }
    }

    /// The same key in another section, else the key of this section that is most like it.
    fn nearest_key(&self, section: &str, key: &str) -> Option<String> {
        let sections = self.settings.sections();
        if let Some(home) = sections.iter().find(|known| known.keys().contains(&key)) {
            return Some(format!("{}.{key}", home.name()));
        }
        let own = sections.iter().find(|known| known.name() == section)?;
        nearest(key, own.keys().iter().copied()).map(|own_key| format!("{section}.{own_key}"))
    }

    fn unknown_section(&self, origin: String, section: &str) -> Problem {
        let known = self.settings.sections().into_iter().map(|known| known.name()).chain(["users"]);
        Problem::UnknownSection { origin, nearest: nearest(section, known) }
    }

    fn not_a_section(&self, name: &str) -> Problem {
        let sections = self.settings.sections();
        let is_known = name == "users" || sections.iter().any(|known| known.name() == name);
        if is_known {
            return Problem::NotATable { origin: name.to_owned() };
        }
        let nearest = self.nearest_key("", name);
        Problem::UnknownKey { origin: name.to_owned(), nearest }
    }
}

/// The candidate most like `name`, if any is like it at all.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAREST_AT_LEAST)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate.to_owned())
}
