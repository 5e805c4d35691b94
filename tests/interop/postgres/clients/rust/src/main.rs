//! tokio-postgres through the gateway; prints `ok NAME` for each thing that went as it does on PostgreSQL.

use std::env::var;
use std::error::Error;
use std::time::Duration;

use futures_util::{pin_mut, SinkExt, TryStreamExt};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

type Outcome = Result<(), Box<dyn Error>>;

async fn prepared(client: &mut Client) -> Outcome {
    let statement = client.prepare("select $1::int4 + 1, $2::text").await?;
    for number in 0..5i32 {
        let row = client.query_one(&statement, &[&number, &"é"]).await?;
        assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1)), (number + 1, "é"));
    }
    Ok(())
}

async fn pipelined(client: &mut Client) -> Outcome {
    let (one, two, three) = tokio_join(client).await?;
    assert_eq!((one, two, three), (1, 2, 3));
    Ok(())
}

async fn tokio_join(client: &Client) -> Result<(i32, i32, i32), Box<dyn Error>> {
    let ask = |number: i32| async move {
        client.query_one("select $1::int4", &[&number]).await.map(|row| row.get::<_, i32>(0))
    };
    Ok(futures_util::future::try_join3(ask(1), ask(2), ask(3)).await?)
}

async fn transactions(client: &mut Client) -> Outcome {
    let mut outer = client.transaction().await?;
    outer.execute("insert into cli values (73, 't')", &[]).await?;
    let inner = outer.savepoint("here").await?;
    let error = inner.query("/*deny*/ select 1", &[]).await.expect_err("denied");
    assert_eq!(error.code().map(|code| code.code().to_owned()), Some("42501".to_owned()));
    inner.rollback().await?;
    assert_eq!(outer.query("select from cli where a = 73", &[]).await?.len(), 1);
    outer.rollback().await?;
    Ok(())
}

async fn portals(client: &mut Client) -> Outcome {
    let transaction = client.transaction().await?;
    let portal = transaction.bind("select generate_series(1, 250)", &[]).await?;
    let mut sum = 0;
    loop {
        let rows = transaction.query_portal(&portal, 100).await?;
        if rows.is_empty() {
            break;
        }
        sum += rows.iter().map(|row| row.get::<_, i32>(0)).sum::<i32>();
    }
    assert_eq!(sum, 31375);
    transaction.commit().await?;
    Ok(())
}

async fn copy(client: &mut Client) -> Outcome {
    for round in 0..2 {
        let sink = client.copy_in::<_, std::io::Cursor<Vec<u8>>>("copy cli from stdin").await?;
        pin_mut!(sink);
        let data = format!("{}\tx\n", 950 + round);
        sink.send(std::io::Cursor::new(data.into_bytes())).await?;
        assert_eq!(sink.finish().await?, 1);
    }
    let out = client.copy_out("copy (select a from cli where a >= 950 order by a) to stdout").await?;
    let parts: Vec<_> = out.try_collect().await?;
    assert_eq!(parts.concat(), b"950\n951\n");
    assert_eq!(client.execute("delete from cli where a >= 950", &[]).await?, 2);
    Ok(())
}

async fn simple(client: &mut Client) -> Outcome {
    let said = client.simple_query("select 1; select 2").await?;
    let rows = said.iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_))).count();
    assert_eq!(rows, 2);
    client.batch_execute("begin; select 1; commit").await?;
    Ok(())
}

async fn masked(client: &mut Client) -> Outcome {
    let row = client.query_one("select c, a from cli where a = $1 /*mask*/", &[&1i32]).await?;
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i32>(1)), ("[redacted]", 1));
    Ok(())
}

async fn cancel(client: &mut Client) -> Outcome {
    let token = client.cancel_token();
    let sleep = client.simple_query("select pg_sleep(60)");
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await
    };
    let (slept, stopped) = futures_util::future::join(sleep, stop).await;
    stopped?;
    let code = slept.err().and_then(|error| error.code().map(|code| code.code().to_owned()));
    assert_eq!(code, Some("57014".to_owned()));
    Ok(())
}

async fn run() -> Outcome {
    let (mut client, connection) = Config::new()
        .host("127.0.0.1")
        .port(var("PGPORT")?.parse()?)
        .user(var("PGUSER")?)
        .password(var("PGPASSWORD")?)
        .dbname(var("PGDATABASE")?)
        .connect(NoTls)
        .await?;
    tokio::spawn(connection);
    macro_rules! check {
        ($($name:ident)*) => { $( $name(&mut client).await?; println!("ok {}", stringify!($name)); )* };
    }
    check!(prepared pipelined transactions portals copy simple masked cancel);
    Ok(())
}

fn main() -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}
