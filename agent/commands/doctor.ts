import type { AgentConfig } from '../config.ts'
import { diagnose } from '../domain/doctor.ts'
import { type Finding, type FindingLevel, isHealthy } from '../domain/finding.ts'
import { readDoctorFacts } from './doctor-facts.ts'

/** What `reprefix-agent doctor` found; also its `--json` form. */
export interface DoctorReport {
  readonly kind: 'doctor'
  /** Nothing failed. */
  readonly ok: boolean
  readonly findings: readonly Finding[]
}

/** Looks at everything that a host needs; changes nothing. */
export async function readDoctor(config: AgentConfig, settingsPath: string): Promise<DoctorReport> {
  const findings = diagnose(await readDoctorFacts(config, settingsPath), config.intent)
  return { kind: 'doctor', ok: isHealthy(findings), findings }
}

/** The findings as a table for people, the remedy of each below it. */
export function renderDoctor({ findings, ok }: DoctorReport): readonly string[] {
  const width = Math.max(...findings.map(({ id }) => id.length))
  const count = (level: FindingLevel) => findings.filter((one) => one.level === level).length
  const margin = ' '.repeat('fail  '.length + width)
  return [
    ...findings.flatMap(({ id, level, what, remedy }) => [
      `${level.padEnd(4)}  ${id.padEnd(width)}  ${what}`,
      ...(remedy === null ? [] : [`${margin}  → ${remedy}`]),
    ]),
    ok && count('warn') === 0
      ? `all ${count('ok')} checks are good`
      : `${count('ok')} good, ${count('warn')} to look at, ${count('fail')} failed`,
  ]
}
