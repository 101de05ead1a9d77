import { expect } from 'vitest'
import { encodeBase64 } from '../../../../shared/base64.ts'
import type { SigningKey } from '../../../../shared/jws.ts'
import { EMPTY_ROOT } from '../../../../shared/merkle.ts'
import { signRotation } from '../../../../shared/rotation.ts'
import { CLOUD_URL } from '../../../fakes/test-cloud.ts'
import { resign } from '../resign.ts'
import { type Answered, type Attack, newKey, revoke, type Scene, type Strike } from './attack.ts'

const ROTATE = '/v1/rotate'

interface RotationChange {
  readonly host?: string
  readonly url?: string
}

async function rotationOf(
  { cloud }: Pick<Scene, 'cloud'>,
  { host, key }: { readonly host: string; readonly key: SigningKey },
  successor: SigningKey,
  change: RotationChange = {},
): Promise<string> {
  const log = { size: 0, root: encodeBase64(EMPTY_ROOT) }
  const said = { host: change.host ?? host, log }
  const header = {
    url: change.url ?? `${CLOUD_URL}${ROTATE}`,
    iat: Math.floor(cloud.clock.ms / 1000),
  }
  return signRotation(said, { key, successor }, header)
}

/** Makes a rotation that the cloud accepts. */
async function rotate(scene: Scene, key: SigningKey, successor: SigningKey): Promise<string> {
  const jws = await rotationOf(scene, { host: 'home', key }, successor)
  expect((await scene.cloud.post(ROTATE, jws)).status).toBe(200)
  return jws
}

function rotation(name: string, code: string, make: (scene: Scene) => Promise<string>): Attack {
  return { name, code, prepare: async (scene) => ({ path: ROTATE, body: await make(scene) }) }
}

/** Attacks by a thumbprint that is known, and on how keys are replaced. */
export const ROTATION_ATTACKS: readonly Answered[] = [
  {
    row: 'asking which keys there are, or whose',
    attacks: [
      {
        name: 'kid/unknown',
        code: 'KEY_UNKNOWN',
        prepare: async ({ home, cloud }) => ({
          body: await cloud.createAgent('home', await newKey()).sign(home.reportOf()),
        }),
      },
      ...(['report', 'rotation'] as const).flatMap((what): Attack[] => [
        {
          name: `kid/present-without-its-key/${what}`,
          code: 'JWS_SIGNATURE',
          prepare: (scene) => withoutItsKey(scene, what),
        },
        {
          name: `kid/revoked-without-its-key/${what}`,
          code: 'JWS_SIGNATURE',
          prepare: async (scene) => {
            await revoke(scene, 'home')
            return withoutItsKey(scene, what)
          },
        },
        {
          name: `kid/replaced-without-its-key/${what}`,
          code: 'JWS_SIGNATURE',
          prepare: async (scene) => {
            await rotate(scene, scene.home.key, await newKey())
            return withoutItsKey(scene, what)
          },
        },
      ]),
      {
        name: 'kid/revoked-with-its-key',
        code: 'KEY_REVOKED',
        prepare: async (scene) => {
          await revoke(scene, 'home')
          return { body: await scene.home.sign(scene.home.reportOf()) }
        },
      },
      {
        name: 'kid/of-another-host',
        code: 'HOST_MISMATCH',
        prepare: async ({ home, thief }) => ({ body: await thief.sign(home.reportOf()) }),
      },
    ],
  },
  {
    row: 'a rotation by somebody who has not the key, to a key he has not, or for another host',
    attacks: [
      rotation('rotation/of-another-host', 'HOST_MISMATCH', async (scene) =>
        rotationOf(scene, scene.thief, await newKey(), { host: 'home' }),
      ),
      rotation('rotation/unknown-key', 'KEY_UNKNOWN', async (scene) =>
        rotationOf(scene, { ...scene.home, key: await newKey() }, await newKey()),
      ),
      rotation('rotation/outer-by-another-key', 'JWS_SIGNATURE', async (scene) => {
        const { privateKey } = scene.thief.key
        const key = { ...scene.home.key, privateKey }
        return rotationOf(scene, { ...scene.home, key }, await newKey())
      }),
      rotation('rotation/successor-not-in-hand', 'JWS_SIGNATURE', async (scene) => {
        const { privateKey } = scene.thief.key
        return rotationOf(scene, scene.home, { ...(await newKey()), privateKey })
      }),
      rotation('rotation/inner-of-another-one', 'JWS_MALFORMED', async (scene) => {
        const foreign = await rotationOf(scene, scene.thief, await newKey())
        return resign(await rotationOf(scene, scene.home, await newKey()), foreign, scene.home.key)
      }),
      rotation('rotation/to-the-key-of-another-host', 'KEY_INVALID', async (scene) =>
        rotationOf(scene, scene.home, scene.thief.key),
      ),
      rotation('rotation/to-the-same-key', 'KEY_INVALID', async (scene) =>
        rotationOf(scene, scene.home, scene.home.key),
      ),
      rotation('rotation/for-another-cloud', 'URL_MISMATCH', async (scene) =>
        rotationOf(scene, scene.home, await newKey(), { url: 'https://evil.example/v1/rotate' }),
      ),
    ],
  },
  {
    row: 'an old rotation again, to bring a former key back',
    attacks: [
      rotation('rotation/back-to-a-former-key', 'KEY_REVOKED', async (scene) => {
        const [second, third] = [await newKey(), await newKey()]
        const jws = await rotate(scene, scene.home.key, second)
        await rotate(scene, second, third)
        return jws
      }),
      rotation('rotation/to-the-former-key-by-name', 'KEY_INVALID', async (scene) => {
        const second = await newKey()
        await rotate(scene, scene.home.key, second)
        return rotationOf(scene, { host: 'home', key: second }, scene.home.key)
      }),
      rotation('rotation/of-a-key-that-was-replaced', 'KEY_REVOKED', async (scene) => {
        await rotate(scene, scene.home.key, await newKey())
        return rotationOf(scene, scene.home, await newKey())
      }),
      {
        name: 'rotation/report-by-the-key-that-was-replaced',
        code: 'KEY_REVOKED',
        prepare: async (scene) => {
          await rotate(scene, scene.home.key, await newKey())
          return { body: await scene.home.sign(scene.home.reportOf()) }
        },
      },
    ],
  },
]

/** What somebody sends who knows a thumbprint, and has no key but his own. */
async function withoutItsKey(scene: Scene, what: 'report' | 'rotation'): Promise<Strike> {
  const { cloud, home } = scene
  const key = { ...home.key, privateKey: (await newKey()).privateKey }
  if (what === 'report') {
    return { body: await cloud.createAgent('home', key).sign(home.reportOf()) }
  }
  return { path: ROTATE, body: await rotationOf(scene, { host: 'home', key }, await newKey()) }
}
