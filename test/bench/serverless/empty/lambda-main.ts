import { handle } from 'hono/aws-lambda'
import { app } from './app.ts'

/** An empty handler on AWS Lambda: `index.handler`. */
export const handler = handle(app)
