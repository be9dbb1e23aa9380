//! The sandbox as a program: starts the account, says where it is, and ends on SIGINT or SIGTERM.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lakegate_sandbox::lake::{SeedOptions, SeedReport, seed};
use lakegate_sandbox::{Sandbox, SandboxOptions};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// An AWS account on this machine: STS, IAM, Glue, Lake Formation and S3 on one endpoint.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:4577")]
    address: SocketAddr,
    /// Folder for the bytes of S3 objects while the sandbox runs [default: the system's temporary folder].
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Fill the account with the sample lake before saying that it is ready.
    #[arg(long)]
    demo: bool,
    /// TPC-H scale factor of the sample lake: 1.0 is about 8.7 million rows.
    #[arg(long, env = "LAKEGATE_DEMO_SF", default_value_t = 0.1)]
    scale_factor: f64,
    /// Listen on an address that other machines can reach. The keys of the account are public.
    #[arg(long)]
    allow_non_loopback: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The S3 crate logs every refused request as an error; refusals are what a sandbox is for.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,s3s=off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "lakegate-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(SandboxOptions {
        address: arguments.address,
        data_dir: arguments.data_dir,
        allow_non_loopback: arguments.allow_non_loopback,
    })
    .await?;
    let endpoint = sandbox.endpoint();
    let serving = async {
        if arguments.demo {
            let report =
                seed(SeedOptions { endpoint: endpoint.clone(), scale_factor: arguments.scale_factor })
                    .await?;
            report_tables(&report);
        }
        writeln!(std::io::stdout(), "sandbox ready on {endpoint}")?;
        std::future::pending::<Result<(), Box<dyn std::error::Error>>>().await
    };
    let outcome = tokio::select! {
        outcome = serving => outcome,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    sandbox.stop().await;
    outcome
}

fn report_tables(report: &SeedReport) {
    for table in &report.tables {
        tracing::info!(database = table.database, table = table.table, rows = table.rows, "seeded");
    }
}
