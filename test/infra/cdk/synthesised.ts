import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { synthesise } from '../../../infra/cdk/synthesise.ts'

/** What a deployment is made of. */
export interface Assembly {
  readonly cloud: Template
  readonly store: Template | undefined
  /** The text of a file of the function as it is deployed; undefined where there is none. */
  deployed(file: string): string | undefined
  /** Every file that was written, as one text. */
  readonly texts: string
}

export const SETTINGS = `
url: "\${env:REPREFIX_URL}"
store: dynamodb:reprefix
log: { key: "\${env:LOG_KEY}" }
admin: { token: "\${env:ADMIN_TOKEN}" }
zones:
  example.org: { providers: [aws] }
  home.example.org: { providers: [aws, second] }
providers:
  aws: { type: route53, zoneIds: { example.org: Z0123456789ABC, home.example.org: Z9876543210DEF } }
  second: { type: desec, token: "\${env:DESEC_TOKEN}" }
`

/** Synthesises these settings with a program of two files, as `-c` says. */
export async function synthesised(
  settings = SETTINGS,
  context: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<Assembly> {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-cdk-'))
  try {
    const [config, built, outdir] = ['cloud.yaml', 'lambda', 'cdk.out'].map((name) =>
      join(directory, name),
    ) as [string, string, string]
    await writeFile(config, settings)
    await mkdir(join(built, 'chunks'), { recursive: true })
    await writeFile(join(built, 'index.mjs'), 'export const handler = 1\n')
    await writeFile(join(built, 'index.mjs.map'), '{}')
    await writeFile(join(built, 'chunks', 'a.mjs'), '\n')
    await writeFile(join(built, 'chunks', 'a.mjs.map'), '{}')
    const app = new App({ outdir, context: { config, ...context }, analyticsReporting: false })
    await synthesise(app, built, environment)
    return await read(app, outdir)
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function read(app: App, outdir: string): Promise<Assembly> {
  const assembly = app.synth()
  const templateOf = (name: string) => {
    const stack = assembly.stacks.find(({ stackName }) => stackName === name)
    return stack && Template.fromJSON(stack.template)
  }
  const cloud = templateOf('reprefix')
  if (cloud === undefined) throw new Error('there is no stack "reprefix"')
  const [key = ''] = Object.values(cloud.findResources('AWS::Lambda::Function'))
    .filter(({ Properties }) => Properties.Handler === 'index.handler')
    .map(({ Properties }) => String(Properties.Code.S3Key).replace(/\.zip$/, ''))
  const files = new Map<string, string>()
  for (const file of [
    'index.mjs',
    'settings.mjs',
    'chunks/a.mjs',
    'index.mjs.map',
    'chunks/a.mjs.map',
  ]) {
    const text = await readFile(join(outdir, `asset.${key}`, file), 'utf8').catch(() => undefined)
    if (text !== undefined) files.set(file, text)
  }
  return {
    cloud,
    store: templateOf('reprefix-store'),
    deployed: (file) => files.get(file),
    texts: JSON.stringify([assembly.stacks.map(({ template }) => template), [...files]]),
  }
}

/** Text of an ARN whose account, region and resources are named, for tables. */
export function renderArn(value: unknown): string {
  if (typeof value === 'string') return value
  const { 'Fn::Join': join, 'Fn::GetAtt': attribute, 'Fn::Sub': sub, Ref } = Object(value)
  if (join !== undefined) return join[1].map(renderArn).join(join[0])
  if (attribute !== undefined)
    return `{${String(attribute[0]).replace(/[0-9A-F]{8}$/, '')}.${attribute[1]}}`
  if (sub !== undefined) return sub.replace(/\$\{AWS::(\w+)\}/g, '{$1}')
  return `{${String(Ref).replace(/^AWS::/, '')}}`
}
