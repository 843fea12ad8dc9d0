/** Lessons: a list in the order of the courses, and one of them with its figures. */
import { lookUp } from '../../../engine/check.ts';
import type { Dropped } from '../../data/dropped.ts';
import { LESSONS } from '../../lessons/index.ts';
import type { Lesson } from '../../lessons/lesson.ts';
import { el, fold, notice } from '../dom.ts';
import { inPageWords } from '../../words.ts';
import { figureView, type FigureView } from './figure-view.ts';
import { Lab } from './lab.ts';
import { formulas, inline, paragraph } from './prose.ts';
import './lessons.css';

const BY_TOPIC = Object.fromEntries(LESSONS.map(lesson => [lesson.topic, lesson]));
const addressOf = ({ topic }: Lesson): string => `#lessons/${topic}`;

export class LessonsView {
  readonly element: HTMLElement;
  title: string | undefined;
  #dropped: () => Dropped;
  #lab = new Lab();
  #figures: readonly FigureView[] = [];
  #article = el('article', { class: 'course', tabIndex: -1 });
  #links = LESSONS.map(lesson => el('a', { href: addressOf(lesson), textContent: lesson.title }));

  /** `dropped` are the files of data sets that the page was given. */
  constructor(dropped: () => Dropped) {
    this.#dropped = dropped;
    const list = el('ol', {}, ...this.#links.map(link => el('li', {}, link)));
    this.element = el(
      'div',
      { class: 'train lessons' },
      el('aside', { 'aria-label': 'Lessons' }, fold('All lessons', el('nav', { 'aria-label': 'Lessons' }, list))),
      this.#article,
    );
  }

  /** Shows the lesson on a topic, else what there is. */
  show(topic?: string): void {
    this.stop();
    let lesson: Lesson | undefined;
    try {
      lesson = topic ? lookUp('lesson', topic, BY_TOPIC) : undefined;
    } catch (error) {
      notice(inPageWords(error as Error));
    }
    for (const [i, link] of this.#links.entries()) {
      if (LESSONS[i] === lesson) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.title = lesson?.title;
    this.#article.replaceChildren(...(lesson ? this.#lesson(lesson) : overview()));
    const figures = this.#figures;
    // the width of a figure is known once the page is laid out
    requestAnimationFrame(() => {
      if (this.#figures === figures && this.#article.isConnected) for (const figure of figures) figure.begin();
    });
  }

  stop(): void {
    for (const figure of this.#figures) figure.stop();
    this.#figures = [];
  }

  #lesson(lesson: Lesson): HTMLElement[] {
    const figures: FigureView[] = [];
    const blocks = lesson.blocks.map(block => {
      if (typeof block === 'string') return paragraph(block);
      if ('tex' in block) return formulas(block.tex);
      const view = figureView(block, this.#lab, this.#dropped);
      figures.push(view);
      return view.element;
    });
    this.#figures = figures;
    const { what, texts } = lesson.train;
    const at = LESSONS.indexOf(lesson);
    return [
      el('h2', { textContent: lesson.title }),
      el('p', { class: 'about' }, ...inline(lesson.about)),
      ...blocks,
      el(
        'section',
        { class: 'panel question', 'aria-label': 'A question' },
        el('h3', { textContent: 'A question' }),
        paragraph(lesson.question),
        el('details', {}, el('summary', { textContent: 'Answer' }), paragraph(lesson.answer)),
      ),
      el(
        'section',
        { class: 'panel', 'aria-label': 'On images' },
        el('h3', { textContent: 'On images' }),
        paragraph(what),
        el('a', { class: 'go', href: `#train?${new URLSearchParams(texts).toString()}`, textContent: 'Open in Train' }),
      ),
      el('nav', { class: 'turn', 'aria-label': 'Next lessons' }, turn(LESSONS[at - 1], '←', ''), turn(LESSONS[at + 1], '', '→')),
    ];
  }
}

const turn = (lesson: Lesson | undefined, before: string, after: string): HTMLElement =>
  lesson ? el('a', { href: addressOf(lesson), textContent: `${before} ${lesson.title} ${after}`.trim() }) : el('span');

/** All lessons, a line about each. */
const overview = (): HTMLElement[] => [
  el('h2', { textContent: 'Lessons' }),
  paragraph(
    'How nets are trained, topic by topic. The figures are computed here and now, by the engine that trains in the other views: change what they depend on, and see whether what is said holds.',
  ),
  el(
    'ol',
    { class: 'overview' },
    ...LESSONS.map(lesson =>
      el('li', {}, el('a', { href: addressOf(lesson), textContent: lesson.title }), el('span', {}, ...inline(lesson.about))),
    ),
  ),
];
