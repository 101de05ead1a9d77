import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

type Import = readonly [file: string, specifier: string]

const LINT = [
  'lint',
  '--only=style/noRestrictedImports',
  '--reporter=github',
  '--max-diagnostics=none',
]

/** Lints a tree that holds just these imports; returns those that the layer rules refuse. */
async function lint(imports: readonly Import[]): Promise<Import[]> {
  const tree = await mkdtemp(join(tmpdir(), 'reprefix-layers-'))
  try {
    const settings = JSON.parse(await readFile('biome.json', 'utf8'))
    const biomeJson = { ...settings, $schema: undefined, vcs: undefined, root: true }
    await writeFile(join(tree, 'biome.json'), JSON.stringify(biomeJson))
    for (const file of new Set(imports.map(([name]) => name))) {
      const group = imports.filter(([name]) => name === file)
      await mkdir(join(tree, dirname(file)), { recursive: true })
      const lines = group.map(([, from], i) => `export { x as x${i} } from '${from}'`)
      await writeFile(join(tree, file), `${lines.join('\n')}\n`)
    }
    const biome = join(process.cwd(), 'node_modules/.bin/biome')
    const stdout = await new Promise<string>((resolve) => {
      // It exits with 1 when it has refused something, which is what is looked for.
      execFile(biome, LINT, { cwd: tree }, (_, printed) => resolve(printed))
    })
    return imports.filter(([file, from]) => {
      const line = imports.filter(([name]) => name === file).findIndex(([, s]) => s === from) + 1
      return stdout.includes(`${file},line=${line},`)
    })
  } finally {
    await rm(tree, { recursive: true })
  }
}

const REFUSED: readonly Import[] = [
  ['shared/report.ts', '../agent/ports.ts'],
  ['shared/report.ts', '../cloud/ports.ts'],
  ['shared/report.ts', 'jose'],
  ['shared/merkle.ts', 'node:crypto'],
  ['agent/domain/plan.ts', '../ports.ts'],
  ['agent/domain/plan.ts', '../adapters/docker.ts'],
  ['agent/domain/plan.ts', '../../cloud/domain/policy.ts'],
  ['agent/domain/plan.ts', 'node:fs'],
  ['agent/reconcile.ts', './adapters/docker.ts'],
  ['agent/reconcile.ts', 'node:fs/promises'],
  ['agent/loop.ts', './adapters/docker.ts'],
  ['agent/adapters/kernel.ts', '../cli.ts'],
  ['agent/adapters/kernel.ts', 'node:child_process'],
  ['agent/adapters/docker.ts', 'node:child_process'],
  ['agent/commands/run.ts', 'node:child_process'],
  ['agent/adapters/kernel.ts', 'dockerode'],
  ['agent/adapters/kernel.ts', 'koffi'],
  ['agent/cli.ts', '../cloud/config.ts'],
  ['cloud/domain/policy.ts', '../ports.ts'],
  ['cloud/accept-report.ts', './store/libsql.ts'],
  ['cloud/accept-report.ts', './app.ts'],
  ['cloud/app.ts', './server.ts'],
  ['cloud/app.ts', './compose-cloud.ts'],
  ['cloud/compose-cloud.ts', './server.ts'],
  ['cloud/compose-cloud.ts', 'node:crypto'],
  ['cloud/worker.ts', 'node:fs'],
  ['cloud/worker.ts', '../shared/files.ts'],
  ['cloud/server.ts', 'hono/aws-lambda'],
  ['cloud/lambda.ts', '@hono/node-server'],
  ['cloud/dns/rfc2136.ts', '../cli.ts'],
  ['cloud/store/sql-repository.ts', 'libsql'],
  ['cloud/store/dynamodb.ts', '@aws-sdk/client-dynamodb'],
  ['cloud/store/libsql.ts', '@aws-sdk/client-dynamodb'],
  ['cloud/store/dynamodb-sdk.ts', 'libsql'],
  ['cloud/lambda-main.ts', 'aws4fetch'],
  ['cloud/store/dynamodb-http.ts', '@aws-sdk/client-dynamodb'],
  ['cloud/store/dynamodb-operations.ts', '@aws-sdk/client-dynamodb'],
  ['cloud/lambda.ts', 'aws-cdk-lib/aws-lambda'],
  ['cloud/parameter-store.ts', '../infra/cdk/options.ts'],
  ['infra/cdk/cloud-stack.ts', '../../agent/ports.ts'],
  ['infra/cdk/cloud-stack.ts', '../../test/lab/lab.ts'],
  ['cloud/store/libsql.ts', 'aws4fetch'],
  ['cloud/parameter-store.ts', './store/dynamodb.ts'],
  ['cloud/store/libsql.ts', '../../agent/ports.ts'],
  ['cloud/app.ts', '@hono/node-server'],
  ['cloud/server.ts', '../test/lab/lab.ts'],
  ['test/lab/lab.ts', '../../agent/ports.ts'],
  ['test/bench/agent.ts', '../../cloud/ports.ts'],
]

const ALLOWED: readonly Import[] = [
  ['shared/jws.ts', 'jose'],
  ['shared/report.ts', './ipv6.ts'],
  ['agent/domain/plan.ts', '../../shared/ipv6.ts'],
  ['agent/domain/plan.ts', './model.ts'],
  ['agent/reconcile.ts', './domain/plan.ts'],
  ['agent/adapters/docker.ts', 'dockerode'],
  ['agent/adapters/command.ts', 'node:child_process'],
  ['agent/cli.ts', './adapters/docker.ts'],
  ['cloud/domain/policy.ts', '../../shared/ipv6.ts'],
  ['cloud/accept-report.ts', './domain/policy.ts'],
  ['cloud/store/libsql.ts', 'libsql'],
  ['cloud/store/dynamodb-sdk.ts', '@aws-sdk/client-dynamodb'],
  ['cloud/parameter-store.ts', 'aws4fetch'],
  ['cloud/store/dynamodb-http.ts', 'aws4fetch'],
  ['infra/cdk/deployment.ts', '../../cloud/inspect-config.ts'],
  ['cloud/server.ts', '@hono/node-server'],
  ['cloud/lambda.ts', 'hono/aws-lambda'],
  ['cloud/compose-cloud.ts', './app.ts'],
  ['cloud/worker.ts', './store/d1.ts'],
  ['cloud/commands/demo.ts', '../../test/lab/demo.ts'],
  ['test/lab/lab.ts', '../../shared/ipv6.ts'],
  ['test/bench/reports/bench-cloud.ts', '../../../cloud/app.ts'],
  ['test/bench/dns/move-rrsets.ts', '../../../cloud/dns/rfc2136.ts'],
  ['test/bench/serverless/burst.ts', '../../../cloud/app.ts'],
]

describe('the layers', () => {
  it('refuse every import against the direction', { timeout: 240_000 }, async () => {
    expect(await lint(REFUSED)).toEqual(REFUSED)
  })

  it('allow every import along the direction', { timeout: 240_000 }, async () => {
    expect(await lint(ALLOWED)).toEqual([])
  })
})
