import { testConformance } from '../../e2e/kit/conformance/run.ts';
import { systems } from './test-conformance.ts';

testConformance(systems);
