import type { CloudConfig } from '../../cloud/check-config.ts'
import type { EmbeddedConfig } from '../../cloud/embedded-config.ts'
import { inspectConfig } from '../../cloud/inspect-config.ts'
import { variablesIn } from '../../cloud/parameter-store.ts'
import { messageOf, quote, ReprefixError } from '../../shared/errors.ts'
import { createReferenceResolver } from '../../shared/files.ts'
import { type Fqdn, isAtOrBelow, parseName } from '../../shared/rrset.ts'
import type { ReferenceResolver } from '../../shared/settings-source.ts'
import type { DeploymentOptions } from './options.ts'

/** A hosted zone that the function writes as its role, and the names there that it may write. */
export interface WritableZone {
  readonly id: string
  /** Exact names, or `*.zone` for all below; as `StringLike` of IAM takes them. */
  readonly names: readonly string[]
}

/** All that the stacks are made of, checked. */
export interface Deployment {
  readonly options: DeploymentOptions
  /** What is written beside the program. */
  readonly embedded: EmbeddedConfig
  readonly table: string
  /** Names of the parameters that the function reads when it starts. */
  readonly parameters: readonly string[]
  /** The one of them that the stack writes: the URL of the function, where the settings ask for it. */
  readonly urlParameter?: string
  readonly zones: readonly WritableZone[]
  /** What works but deserves a look. */
  readonly warnings: readonly string[]
}

/** The variable for the public URL, where the settings leave it to the deployment. */
const URL_VARIABLE = 'REPREFIX_URL'
/** Stands for the Function URL until there is one. */
const URL_STAND_IN = 'https://not-deployed-yet.lambda-url.us-east-1.on.aws'
/** What Lambda itself puts into the environment. */
const OF_LAMBDA = /^(?:AWS_|LAMBDA_|_)/

/**
 * Checks the settings for AWS Lambda, as `reprefix config check` does, and finds out what the function
 * needs: the parameters it refers to and the zones it writes.
 * @throws ReprefixError CONFIG_INVALID with one line per fault: file, path, remedy
 */
export function planDeployment(
  text: string,
  options: DeploymentOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Deployment {
  const fileName = options.config
  const resolve = resolverFor(environment)
  const inspection = inspectConfig(text, fileName, 'lambda', resolve)
  const { config, settings, warnings, unresolved } = inspection
  requireNoFiles(unresolved, fileName)
  const variables = variablesIn(settings).filter((name) => !OF_LAMBDA.test(name))
  const { parameters: prefix } = options
  return {
    options,
    embedded: { runtime: 'lambda', settings },
    // `inspectConfig` has refused every other kind of store.
    table: config.store.kind === 'dynamodb' ? config.store.table : '',
    parameters: variables.map((name) => `${prefix}${name}`),
    ...(variables.includes(URL_VARIABLE) && { urlParameter: `${prefix}${URL_VARIABLE}` }),
    zones: writableZones(config, options.names, fileName),
    warnings,
  }
}

/** Takes what is set here as anywhere, and does without the URL where there is none yet. */
function resolverFor(environment: Readonly<Record<string, string | undefined>>): ReferenceResolver {
  const resolve = createReferenceResolver(environment)
  return (reference) => {
    const { kind, name } = reference
    if (kind === 'file')
      throw new ReprefixError('CONFIG_INVALID', 'files of this machine stay here')
    const isGiven = (environment[name] ?? '') !== ''
    return name === URL_VARIABLE && !isGiven ? URL_STAND_IN : resolve(reference)
  }
}

function requireNoFiles(unresolved: readonly string[], fileName: string): void {
  const files = unresolved.filter((reference) => reference.startsWith('$' + '{file:'))
  if (files.length === 0) return
  const faults = files.map(
    (file) =>
      `${fileName}: ${file} is not there on Lambda: store the content as a parameter, and write \${env:NAME}`,
  )
  throw new ReprefixError('CONFIG_INVALID', faults.join('\n'))
}

function writableZones(
  config: CloudConfig,
  patterns: readonly string[] | undefined,
  fileName: string,
): readonly WritableZone[] {
  const faults: string[] = []
  const ids = zoneIdsOf(config, fileName, faults)
  const names = patterns?.map((pattern) => nameIn(pattern, [...ids.keys()], faults))
  if (faults.length > 0) throw new ReprefixError('CONFIG_INVALID', faults.join('\n'))
  return [...ids].map(([zone, id]) => ({
    id,
    names: names?.filter((name) => zoneOf(name, [...ids.keys()]) === zone) ?? [zone, `*.${zone}`],
  }))
}

/** Ids of the zones at Route 53 that are written as the role; with an access key, IAM is elsewhere. */
function zoneIdsOf(
  config: CloudConfig,
  fileName: string,
  faults: string[],
): ReadonlyMap<Fqdn, string> {
  const ids = new Map<Fqdn, string>()
  for (const { name, providers } of config.zones) {
    for (const provider of providers) {
      const settings = config.providers[provider]
      if (settings?.type !== 'route53' || settings.accessKeyId !== undefined) continue
      const id = settings.zoneIds?.[name]
      if (id !== undefined) ids.set(name, id)
      else {
        faults.push(
          `${fileName}: providers.${provider}.zoneIds: has no ${name}: add the id that "aws route53 list-hosted-zones-by-name --dns-name ${name}" tells, so that the function may write this zone and no other`,
        )
      }
    }
  }
  return ids
}

function nameIn(pattern: string, zones: readonly Fqdn[], faults: string[]): Fqdn {
  try {
    const name = parseName(pattern)
    if (zoneOf(name, zones) !== undefined) return name
    const known = zones.join(', ') || 'none'
    faults.push(`-c names: ${quote(pattern)} is in no zone at Route 53 (there: ${known})`)
  } catch (error) {
    faults.push(`-c names: ${messageOf(error)}`)
  }
  return parseName('invalid')
}

/** The zone that a name is in: the longest. */
function zoneOf(name: Fqdn, zones: readonly Fqdn[]): Fqdn | undefined {
  return zones.filter((zone) => isAtOrBelow(name, zone)).sort((a, b) => b.length - a.length)[0]
}
