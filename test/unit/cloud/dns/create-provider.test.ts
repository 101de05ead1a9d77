import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { createProvider } from '../../../../cloud/dns/create-provider.ts'
import { cloudflare } from '../../../../cloud/dns/hosted/cloudflare.ts'
import { digitalocean } from '../../../../cloud/dns/hosted/digitalocean.ts'
import { type BudgetKeeper, createBudgetKeeper } from '../../../../cloud/dns/http/request-budget.ts'
import { createLazyDependencies } from '../../../../cloud/dns/lazy-dependencies.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { cloudflareSettings } from '../../../fakes/dns/cloudflare.ts'
import { digitaloceanSettings } from '../../../fakes/dns/digitalocean.ts'

const now = () => new Date(0)
const sleep = async () => undefined
const RULES = [{ count: 2, perMs: 60_000 }]
const zone = parseName('example.org')

describe('a provider', () => {
  it('takes turns with all that use its credential, where a request carries many changes', async () => {
    const keep = createBudgetKeeper({ now, sleep })
    const asked: string[] = []
    const budgets: BudgetKeeper = (credential) => {
      asked.push(credential)
      return keep(credential, RULES)
    }
    const dependencies = { ...createLazyDependencies(now, sleep), budgets }
    const settings = v.parse(cloudflare.settings, cloudflareSettings)
    const other = { ...settings, token: 'another-credential-of-the-same-kind' }
    const [first, second, third] = [settings, settings, other].map((one, i) =>
      createProvider(cloudflare, `cf-${i}`, one, dependencies),
    )
    expect(first?.turnMs?.(zone)).toBe(0)
    const [credential = ''] = asked
    for (let i = 0; i < 2; i++) await keep(credential, RULES).take('read', 'example.net')
    expect([first, second, third].map((one) => one?.turnMs?.(zone))).toEqual([60_000, 60_000, 0])
  })

  it('does not where each request carries one: to wait would save none', () => {
    const settings = v.parse(digitalocean.settings, digitaloceanSettings)
    const dependencies = createLazyDependencies(now, sleep)
    const provider = createProvider(digitalocean, 'first', settings, dependencies)
    expect(provider.turnMs).toBeUndefined()
  })
})
