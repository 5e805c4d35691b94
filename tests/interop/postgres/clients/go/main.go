// pgx through the gateway; prints `ok NAME` for each thing that went as it does on PostgreSQL.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func must(holds bool, what string, more ...any) {
	if !holds {
		fmt.Fprintln(os.Stderr, append([]any{"wrong:", what}, more...)...)
		os.Exit(1)
	}
}

func codeOf(err error) string {
	var found *pgconn.PgError
	if errors.As(err, &found) {
		return found.Code
	}
	return fmt.Sprint(err)
}

func connect(ctx context.Context, mode pgx.QueryExecMode) *pgx.Conn {
	with, err := pgx.ParseConfig("sslmode=verify-full")
	must(err == nil, "configuration", err)
	with.DefaultQueryExecMode = mode
	link, err := pgx.ConnectConfig(ctx, with)
	must(err == nil, "connect", err)
	return link
}

func parameters(ctx context.Context, link *pgx.Conn) {
	for number := 0; number < 4; number++ {
		var sum int
		var text string
		err := link.QueryRow(ctx, "select $1::int + 1, $2::text", number, "é").Scan(&sum, &text)
		must(err == nil && sum == number+1 && text == "é", "parameters", err)
	}
}

func batch(ctx context.Context, link *pgx.Conn) {
	several := &pgx.Batch{}
	for number := 0; number < 20; number++ {
		several.Queue("select $1::int * 2", number)
	}
	results := link.SendBatch(ctx, several)
	for number := 0; number < 20; number++ {
		var doubled int
		err := results.QueryRow().Scan(&doubled)
		must(err == nil && doubled == 2*number, "batch", err)
	}
	must(results.Close() == nil, "batch ends")
}

func copies(ctx context.Context, link *pgx.Conn) {
	for round := 0; round < 2; round++ {
		rows := [][]any{{900 + 2*round, "x"}, {901 + 2*round, "y"}}
		count, err := link.CopyFrom(ctx, pgx.Identifier{"cli"}, []string{"a", "c"}, pgx.CopyFromRows(rows))
		must(err == nil && count == 2, "copy", err)
	}
	done, err := link.Exec(ctx, "delete from cli where a >= 900")
	must(err == nil && done.RowsAffected() == 4, "copied", err)
}

func transactions(ctx context.Context, link *pgx.Conn) {
	outer, err := link.Begin(ctx)
	must(err == nil, "begin", err)
	inner, err := outer.Begin(ctx)
	must(err == nil, "savepoint", err)
	_, err = inner.Exec(ctx, "/*deny*/ select 1")
	must(codeOf(err) == "42501", "denied", err)
	must(inner.Rollback(ctx) == nil, "to the savepoint")
	var n int
	must(outer.QueryRow(ctx, "select 5").Scan(&n) == nil && n == 5, "goes on")
	must(outer.Rollback(ctx) == nil, "rollback")
}

func notifications(ctx context.Context, link *pgx.Conn) {
	_, err := link.Exec(ctx, "listen news")
	must(err == nil, "listen", err)
	_, err = link.Exec(ctx, "select pg_notify('news', 'hello')")
	must(err == nil, "notify", err)
	heard, err := link.WaitForNotification(ctx)
	must(err == nil && heard.Payload == "hello", "heard", err)
}

func masked(ctx context.Context, link *pgx.Conn) {
	var text string
	var number int
	err := link.QueryRow(ctx, "select c, a from cli where a = $1 /*mask*/", 1).Scan(&text, &number)
	must(err == nil && text == "[redacted]" && number == 1, "masked", err, text)
}

func cancel(ctx context.Context, link *pgx.Conn) {
	err := link.PgConn().CancelRequest(ctx)
	must(err == nil, "a cancel of nothing", err)
	short, stop := context.WithTimeout(ctx, 500*time.Millisecond)
	defer stop()
	_, err = link.Exec(short, "select pg_sleep(60)")
	must(err != nil, "cancelled")
}

func main() {
	ctx, stop := context.WithTimeout(context.Background(), 60*time.Second)
	defer stop()
	modes := map[string]pgx.QueryExecMode{
		"": pgx.QueryExecModeCacheStatement, "describe_": pgx.QueryExecModeCacheDescribe,
		"exec_": pgx.QueryExecModeExec, "simple_": pgx.QueryExecModeSimpleProtocol,
	}
	for label, mode := range modes {
		link := connect(ctx, mode)
		for _, check := range []struct {
			name string
			run  func(context.Context, *pgx.Conn)
		}{
			{"parameters", parameters}, {"batch", batch}, {"copy", copies}, {"transactions", transactions},
			{"notifications", notifications}, {"masked", masked}, {"cancel", cancel},
		} {
			check.run(ctx, link)
			fmt.Println("ok " + label + check.name)
		}
		_ = link.Close(ctx)
	}
}
