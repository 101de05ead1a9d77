import * as v from 'valibot'
import { messageOf, ReprefixError } from '../shared/errors.ts'
import { createReferenceResolver } from '../shared/files.ts'
import { resolveSettings } from '../shared/settings-json.ts'
import type { ReferenceResolver } from '../shared/settings-source.ts'

/** What a function at AWS finds in its environment; nothing in it is a secret of this cloud. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The variable that says under which name parameters are: `/reprefix/`. */
export const PARAMETERS_VARIABLE = 'REPREFIX_PARAMETERS'

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html */
const MAX_NAMES = 10
/** Of all attempts together; Lambda ends an initialisation after 10 s. */
const TIMEOUT_MS = 8000
const RETRIES = 2

const answerSchema = v.object({
  Parameters: v.array(v.object({ Name: v.string(), Value: v.string() })),
})
const faultSchema = v.object({
  __type: v.string(),
  message: v.optional(v.string()),
  Message: v.optional(v.string()),
})

/** The names of all `${env:…}` references in settings that were read from JSON, sorted. */
export function variablesIn(settings: unknown): readonly string[] {
  const names = new Set<string>()
  resolveSettings(settings, '', ({ kind, name }) => {
    if (kind === 'env') names.add(name)
    return ''
  })
  return [...names].sort()
}

/**
 * Gives `${env:NAME}` the variable of that name, or where there is none, the parameter `/reprefix/NAME`
 * of the Systems Manager Parameter Store, decrypted. So cloud.yaml is the same as on Node, and its
 * secrets are neither in the template nor in the configuration of the function.
 *
 * All that the settings refer to is read at once, before they are. Without `REPREFIX_PARAMETERS` there are
 * variables only.
 * @throws ReprefixError SECRET_UNREADABLE; the resolver itself: CONFIG_INVALID for a value that is not there
 */
export async function openParameters(
  settings: unknown,
  environment: Environment,
): Promise<ReferenceResolver> {
  const resolveHere = createReferenceResolver(environment)
  const prefix = environment[PARAMETERS_VARIABLE]
  if (prefix === undefined || prefix === '') return resolveHere
  const names = variablesIn(settings)
    .filter((name) => (environment[name] ?? '') === '')
    .map((name) => `${prefix}${name}`)
  const values = await readParameters(names, environment)
  return (reference) => {
    const parameter = `${prefix}${reference.name}`
    if (reference.kind !== 'env' || !names.includes(parameter)) return resolveHere(reference)
    const value = values.get(parameter)
    // What comes out of a file has an end of line, here as with `${file:…}`.
    if (value !== undefined) return value.replace(/\r?\n$/, '')
    throw new ReprefixError(
      'CONFIG_INVALID',
      `there is no parameter ${parameter} in the Parameter Store: make it with "aws ssm put-parameter --type SecureString --name ${parameter} --value …"`,
    )
  }
}

async function readParameters(
  names: readonly string[],
  environment: Environment,
): Promise<ReadonlyMap<string, string>> {
  const groups: (readonly string[])[] = []
  for (let i = 0; i < names.length; i += MAX_NAMES) groups.push(names.slice(i, i + MAX_NAMES))
  const values = await Promise.all(groups.map((group) => readGroup(group, environment)))
  return new Map(values.flat())
}

async function readGroup(
  names: readonly string[],
  environment: Environment,
): Promise<readonly (readonly [name: string, value: string])[]> {
  try {
    const answer = await ask({ Names: names, WithDecryption: true }, environment)
    return answer.Parameters.map(({ Name, Value }) => [Name, Value])
  } catch (cause) {
    throw new ReprefixError(
      'SECRET_UNREADABLE',
      `failed to read ${names.join(', ')} from the Parameter Store: ${messageOf(cause)}`,
      { cause },
    )
  }
}

/** One `GetParameters`. The library is loaded here: only functions with parameters need it. */
async function ask(body: unknown, environment: Environment) {
  const { AwsClient } = await import('aws4fetch')
  const region = environment.AWS_REGION ?? ''
  const client = new AwsClient({
    accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    ...(environment.AWS_SESSION_TOKEN && { sessionToken: environment.AWS_SESSION_TOKEN }),
    service: 'ssm',
    region,
    retries: RETRIES,
  })
  const response = await client.fetch(environment.AWS_ENDPOINT_URL_SSM ?? endpointIn(region), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonSSM.GetParameters',
    },
    body: JSON.stringify(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  // What is no JSON is not told of in the words of the parser, which quotes it.
  const answer: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw new Error(refusalIn(answer) ?? `it answered ${response.status}`)
  if (v.is(answerSchema, answer)) return answer
  throw new Error('it sent an answer of another form')
}

function endpointIn(region: string): string {
  return `https://ssm.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

/** What AWS says it refuses, and who has to permit it. */
function refusalIn(fault: unknown): string | undefined {
  if (!v.is(faultSchema, fault)) return undefined
  const name = fault.__type.replace(/^.*#/, '')
  const remedy =
    name === 'AccessDeniedException'
      ? '; permit ssm:GetParameters on them to the role of the function'
      : ''
  return `${name}: ${fault.message ?? fault.Message ?? 'without a reason'}${remedy}`
}
