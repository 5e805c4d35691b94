// node-postgres through the gateway; prints `ok NAME` for each thing that went as it does on PostgreSQL.
'use strict'
const assert = require('node:assert')
const fs = require('node:fs')
const { Client, Pool } = require('pg')
const Cursor = require('pg-cursor')

const ssl = { ca: fs.readFileSync(process.env.PGSSLROOTCERT, 'utf8') }
const checks = {
  async parameters(client) {
    const found = await client.query('select $1::int + 1 as n, $2::text as t, $3::jsonb as j', [41, 'é', { a: [1] }])
    assert.deepStrictEqual(found.rows, [{ n: 42, t: 'é', j: { a: [1] } }])
  },
  async prepared(client) {
    for (let number = 0; number < 5; number++) {
      const found = await client.query({ name: 'add', text: 'select $1::int + 1 as n', values: [number] })
      assert.strictEqual(found.rows[0].n, number + 1)
    }
  },
  async several_in_one_text(client) {
    const found = await client.query('select 1 as a; select 2 as b')
    assert.deepStrictEqual(found.map((result) => result.rows[0]), [{ a: 1 }, { b: 2 }])
  },
  async transactions(client) {
    await client.query('begin')
    await client.query('insert into cli values ($1, $2)', [70, 'n'])
    await assert.rejects(client.query('select 1/0'), { code: '22012' })
    await assert.rejects(client.query('select 1'), { code: '25P02' })
    await client.query('rollback')
    assert.strictEqual((await client.query('select from cli where a = 70')).rowCount, 0)
  },
  async cursors(client) {
    const cursor = client.query(new Cursor('select generate_series(1, $1::int) as n', [250]))
    let sum = 0
    for (let rows = await cursor.read(100); rows.length; rows = await cursor.read(100)) {
      sum += rows.reduce((all, row) => all + row.n, 0)
    }
    await cursor.close()
    assert.strictEqual(sum, 31375)
  },
  async notifications(client) {
    const heard = new Promise((resolve) => client.once('notification', resolve))
    await client.query('listen news')
    await client.query("select pg_notify('news', 'hello')")
    assert.strictEqual((await heard).payload, 'hello')
  },
  async denied(client) {
    await assert.rejects(client.query('/*deny*/ select $1::int', [1]), { code: '42501', message: 'denied by marker' })
    assert.strictEqual((await client.query('select 3 as n')).rows[0].n, 3)
  },
  async masked(client) {
    const found = await client.query('select c, a from cli where a = $1 /*mask*/', [1])
    assert.deepStrictEqual(found.rows, [{ c: '[redacted]', a: 1 }])
  },
  async pool() {
    const pool = new Pool({ max: 3, ssl })
    const found = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => pool.query('select $1::int as n', [n])))
    assert.deepStrictEqual(found.map((result) => result.rows[0].n), [1, 2, 3, 4, 5, 6])
    await pool.end()
  },
}

async function main() {
  const client = new Client({ ssl })
  await client.connect()
  for (const [name, check] of Object.entries(checks)) {
    await check(client)
    console.log(`ok ${name}`)
  }
  await client.end()
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
