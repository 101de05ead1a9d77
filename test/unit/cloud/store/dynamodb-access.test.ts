import { describe, expect, it } from 'vitest'
import { accessOf } from '../../../../cloud/store/dynamodb-access.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
const LAMBDA = { ...KEYS, AWS_SESSION_TOKEN: 'token', AWS_REGION: 'eu-central-1' }
const table = { table: 'reprefix' }

describe('access to DynamoDB', () => {
  it('is what a function has in its environment', () => {
    expect(accessOf(table, LAMBDA)).toEqual({
      region: 'eu-central-1',
      endpoint: 'https://dynamodb.eu-central-1.amazonaws.com',
      ...{ accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' },
    })
  })

  it.each([
    ['of the settings', { endpoint: 'http://a' }, { AWS_ENDPOINT_URL_DYNAMODB: 'http://b' }, 'a'],
    [
      'of the service',
      {},
      { AWS_ENDPOINT_URL_DYNAMODB: 'http://b', AWS_ENDPOINT_URL: 'http://c' },
      'b',
    ],
    ['of all services', {}, { AWS_ENDPOINT_URL: 'http://c' }, 'c'],
  ])('has the endpoint %s', (_, settings, environment, host) => {
    const access = accessOf({ ...table, ...settings }, { ...LAMBDA, ...environment })
    expect(access?.endpoint).toBe(`http://${host}`)
  })

  it('has the endpoint of China there', () => {
    const access = accessOf({ ...table, region: 'cn-north-1' }, KEYS)
    expect(access?.endpoint).toBe('https://dynamodb.cn-north-1.amazonaws.com.cn')
  })

  it.each([
    ['no region', KEYS],
    ['no credentials', { AWS_REGION: 'eu-central-1' }],
    ['half of the credentials', { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'id' }],
    ['a profile', { ...LAMBDA, AWS_PROFILE: 'work' }],
    ['another kind of endpoint', { ...LAMBDA, AWS_USE_FIPS_ENDPOINT: 'true' }],
  ])('is left to the SDK with %s', (_, environment) => {
    expect(accessOf(table, environment)).toBeUndefined()
  })

  it('is left to the SDK where the settings say so', () => {
    expect(accessOf({ ...table, withSdk: true }, LAMBDA)).toBeUndefined()
  })
})
