import type { AgentState } from '../../../../agent/domain/agent-state.ts'
import { desire } from '../../../../agent/domain/desired.ts'
import type { Intent, Observed } from '../../../../agent/domain/model.ts'
import { planSteps } from '../../../../agent/domain/plan.ts'
import { type Step, targetOf } from '../../../../agent/domain/step.ts'
import { attachment, container, INTENT, NOW, P1, stateAt } from './host-simulator.ts'

/** Only addresses and routes: the other planes have tests of their own. */
export const OVERLAY: Intent = {
  ...INTENT,
  proxy: 'none',
  firewall: { backend: 'none', default: 'drop' },
}

function render(step: Step): string {
  const seconds = 'validSeconds' in step ? ` valid ${step.validSeconds ?? 'forever'}` : ''
  return `${step.kind} ${targetOf(step)}${seconds}`
}

/** The plan as lines. */
export function plan(host: Observed, state: AgentState, intent = OVERLAY): readonly string[] {
  return planSteps(desire(host, state, intent, NOW).desired, host).map(render)
}

/** What had to be left out. */
export function problems(host: Observed, state = stateAt(P1), intent = OVERLAY) {
  return desire(host, state, intent, NOW).problems
}

export const nginx = () => container('nginx', [attachment('web', 'fd00:db8:0:1::101')])
