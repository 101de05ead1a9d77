import type { DynamoAccess } from './dynamodb-http.ts'
import type { DynamoSettings } from './dynamodb-table.ts'

/** Variables by name, as a process has them. */
type Environment = Readonly<Record<string, string | undefined>>

/** With one of these the SDK would not do what is done here. */
const FOR_THE_SDK = ['AWS_PROFILE', 'AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT'] as const

/**
 * Region, endpoint and credentials where the settings or the environment have them all, as AWS names them
 * (https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html); otherwise `undefined`.
 */
export function accessOf(
  settings: DynamoSettings,
  environment: Environment,
): DynamoAccess | undefined {
  const { withSdk, credentials = credentialsIn(environment) } = settings
  const region = settings.region ?? environment.AWS_REGION
  const isOther = FOR_THE_SDK.some((name) => Boolean(environment[name]))
  if (withSdk === true || isOther || !region || credentials === undefined) return undefined
  const { AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL } = environment
  const own = settings.endpoint ?? (AWS_ENDPOINT_URL_DYNAMODB || AWS_ENDPOINT_URL)
  return { ...credentials, region, endpoint: own ?? endpointIn(region) }
}

function credentialsIn(environment: Environment) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, sessionToken: environment.AWS_SESSION_TOKEN || undefined }
}

function endpointIn(region: string): string {
  return `https://dynamodb.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}
