//! The same words everywhere, which of them counts, and what is refused.

use std::time::Duration;

use clap::{CommandFactory, Parser};

use super::*;
use crate::run::error::report;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    config: Config,
}

fn parsed(line: &str) -> Config {
    Line::try_parse_from(["node"].into_iter().chain(line.split_whitespace())).unwrap().config
}

fn from_file(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("node.toml");
    std::fs::write(&file, text).unwrap();
    Config { config: Some(file), ..Config::default() }.with_file()
}

#[test]
fn a_setting_has_the_same_word_everywhere() {
    let command = Line::command();
    let settings: Vec<_> = command.get_arguments().filter(|setting| setting.get_id() != "config").collect();
    assert!(settings.len() > 20);
    for setting in settings {
        let flag = setting.get_long().expect("every setting is a flag");
        let variable = setting.get_env().and_then(|name| name.to_str()).expect("every setting is a variable");
        assert_eq!(variable, format!("APOSTATE_{}", flag.replace('-', "_").to_uppercase()));
        let error = from_file(&format!("{flag} = [[]]")).unwrap_err().to_string();
        assert!(!error.contains("unknown field"), "every setting is a key: {error}");
    }
}

#[test]
fn the_command_line_counts_more_than_the_file() {
    let said = parsed("--cache-bytes 1GiB --client-key-retention 2h");
    let file = from_file("cache-bytes = 1\npartitions = 3\nidle-timeout = \"5s\"").unwrap();
    let config = said.over(file);
    let settings = config.settings().unwrap();
    assert_eq!((settings.cache_bytes, settings.partitions), (1 << 30, Some(3)));
    assert_eq!(settings.client_key_retention, Duration::from_secs(7200));
    assert_eq!(config.http_settings().unwrap().idle_timeout, Duration::from_secs(5));
}

#[test]
fn what_was_not_said_is_as_by_default() {
    assert_eq!(parsed("").settings().unwrap(), Settings::default());
    assert_eq!(parsed("").http_settings().unwrap(), HttpSettings::default());
}

#[test]
fn the_defaults_that_the_help_tells_are_those_that_hold() {
    let command = Line::command();
    let told = |setting: &clap::Arg| {
        let help = setting.get_help()?.to_string();
        let (_, default) = help.split_once(" [default: ")?;
        let default = default.strip_suffix(']').expect("the default stands at the end");
        // What depends on the machine is told in words.
        (!default.contains(' '))
            .then(|| format!("--{} {default}", setting.get_long().expect("every setting is a flag")))
    };
    let told: Vec<_> = command.get_arguments().filter_map(told).collect();
    assert!(told.len() > 20, "{told:?}");
    let config = parsed(&told.join(" "));
    assert_eq!(config.settings().unwrap(), Settings::default());
    assert_eq!(config.http_settings().unwrap(), HttpSettings::default());
    assert_eq!(config.trace_share, Some(Share::ALL));
    assert_eq!((config.log_level, config.log_format), (Some(LogLevel::default()), Some(LogFormat::default())));
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    let open = parsed("--listen 0.0.0.0:7070");
    assert!(open.http_settings().unwrap_err().to_string().contains("set `token`"), "nobody but us without a token");
    assert!(parsed("--listen 0.0.0.0:7070 --insecure").http_settings().is_ok());
    let error = from_file("cache-byte = 1").unwrap_err().to_string();
    assert!(error.contains("node.toml") && error.contains("cache-byte"), "{error}");
    let error = parsed("--partitions 0").settings().unwrap_err().to_string();
    assert!(error.contains("1 to 4096"), "{error}");
    let missing = Config { config: Some("/nowhere/node.toml".into()), ..Config::default() };
    assert!(missing.with_file().unwrap_err().to_string().contains("/nowhere/node.toml"));
}

#[test]
fn what_is_wrong_with_a_file_is_told_without_its_lines() {
    for (text, place) in [
        ("data = \"x\"\n  token = my-very-secret", "line 2, column 11: "),
        ("token = \"my-very-secret", "line 1, column "),
        ("token = 'my-very-secret' 5", "line 1, column "),
        ("token = 1234567890123456", "line 1, column 9: a secret is a string in quotes"),
        ("token = [\"my-very-secret\"]", "line 1, column 9: a secret is a string in quotes"),
        ("£ = 1 # my-very-secret\ntoken = \"my-very-secret\"", "line 1, column 1: "),
        ("token = \"my-very-secret\"\ncache-byte = 1", "line 2, column 1: unknown field `cache-byte`"),
    ] {
        let error = from_file(text).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("very-secret") && !told.contains("1234567890123456"), "{told}");
        assert!(error.to_string().contains(&format!("node.toml: {place}")), "{error}");
    }
}

#[test]
fn the_token_is_the_line_in_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "a-long-and-secret-token\n").unwrap();
    let config = Config { token_file: Some(file), ..parsed("--listen 0.0.0.0:7070") };
    assert_eq!(config.http_settings().unwrap().token.as_deref(), Some("a-long-and-secret-token"));
    let two = Config { token: Some(Secret("another-long-token".to_owned())), ..config.clone() };
    assert!(two.http_settings().unwrap_err().to_string().contains("leave one out"));
    // What the command line says counts, in whichever way it says it.
    assert_eq!(config.clone().over(two.clone()), config);
    let of_file = Config { token: two.token, ..Config::default() };
    assert_eq!(config.clone().over(of_file), config);
}

#[test]
fn a_certificate_is_refused_with_its_file_and_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let both = Config { tls_cert: Some(cert.clone()), tls_key: Some(key.clone()), ..Config::default() };
    let told = |config: &Config| report(&config.http_settings().unwrap_err(), "");
    assert!(told(&both).contains("cannot read") && told(&both).contains("cert.pem"));
    std::fs::write(&cert, "no certificate").unwrap();
    std::fs::write(&key, "no key").unwrap();
    let unusable = told(&both);
    assert!(unusable.contains("cert.pem") && unusable.contains("no certificates in PEM"), "{unusable}");
    for (config, missing) in [
        (Config { tls_key: None, ..both.clone() }, "`tls-key` is not"),
        (Config { tls_cert: None, ..both }, "`tls-cert` is not"),
    ] {
        assert!(told(&config).contains(missing));
    }
}

#[test]
fn a_token_that_is_typed_counts_more_than_one_in_the_environment() {
    const TYPED: &str = "a-long-and-secret-token";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, TYPED).unwrap();
    let (file, typed) = (format!("--token-file={}", file.display()), format!("--token={TYPED}"));
    // Variables that every process has stand for ours.
    let (there, text) = ("PATH", std::env::var("PATH").unwrap());
    let (token, token_file): (&[_], &[_]) = (&["token"], &["token_file"]);
    let cases: [(&[&str], &[&str], Option<&str>); 8] = [
        (token, &[], Some(&text)),
        (token, &[&typed], Some(TYPED)),
        (token, &[&file], Some(TYPED)),
        (token_file, &[&typed], Some(TYPED)),
        (token_file, &[&file], Some(TYPED)),
        (&[], &[&file, &typed], None),
        (token, &[&file, &typed], None),
        (&["token", "token_file"], &[], None),
    ];
    for (in_environment, said, expected) in cases {
        let command = in_environment
            .iter()
            .fold(Line::command(), |command, argument| command.mut_arg(argument, |argument| argument.env(there)));
        let mut matches = command.get_matches_from(["node"].iter().chain(said));
        let config = Line::from_arg_matches_mut(&mut matches).unwrap().config;
        // What a file says counts less than both.
        let of_file = from_file("token = \"another-long-token\"").unwrap();
        for config in [config.clone(), config.over(of_file)] {
            match expected {
                Some(token) => assert_eq!(config.token().unwrap().as_deref(), Some(token), "{said:?}"),
                None => assert!(matches!(config.token(), Err(ConfigError::TwoTokens)), "{said:?}"),
            }
        }
    }
}

#[test]
fn as_many_requests_as_are_let_in_are_taken_by_a_partition() {
    for (said, edge, partition) in
        [("", 8192, 65_536), ("--requests-max 16", 16, 65_536), ("--requests-max 100000", 100_000, 100_000)]
    {
        let config = parsed(said);
        assert_eq!(config.http_settings().unwrap().requests_max, edge);
        assert_eq!(config.settings().unwrap().partition_requests_max, partition);
    }
    for wrong in ["0", "2000000"] {
        let config = parsed(&format!("--requests-max {wrong}"));
        assert!(config.settings().is_ok());
        assert!(config.http_settings().unwrap_err().to_string().contains("requests-max"));
    }
}
