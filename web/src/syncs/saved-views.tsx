import { Popover } from 'radix-ui';
import { type FormEvent, useState } from 'react';
import { useSession } from '../api/session.tsx';
import { Button } from '../parts/button.tsx';
import { TextField } from '../parts/field.tsx';
import { Link, useSearch } from '../router.tsx';
import { strings } from '../strings.ts';
import { deleteView, saveView, useViews } from './views.ts';

const text = strings.views;

/** Search, filters, order and columns of the list by a name. */
export function SavedViews() {
  const { user } = useSession();
  const [search] = useSearch();
  const views = useViews(user);
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState('');
  const shown = search.toString();
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (shown === '' || name.trim() === '') return;
    saveView(user, { name: name.trim(), search: shown });
    setName('');
  };
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger className="button button-plain">{text.title}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover" align="end" sideOffset={4} aria-label={text.title}>
          {views.length === 0 && <p className="soft">{text.none}</p>}
          <ul className="plain-list">
            {views.map((view) => (
              <li key={view.name} className="saved-view">
                <Link
                  to={`/syncs?${view.search}`}
                  aria-current={view.search === shown ? 'page' : undefined}
                  onClick={() => setOpen(false)}
                >
                  {view.name}
                </Link>
                <Button
                  kind="quiet"
                  aria-label={text.delete(view.name)}
                  onClick={() => deleteView(user, view.name)}
                >
                  ×
                </Button>
              </li>
            ))}
          </ul>
          <form className="form" onSubmit={save}>
            <TextField
              label={text.name}
              hint={text.hint}
              maxLength={60}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
            <Button type="submit" reason={shown === '' ? text.nothing : undefined}>
              {text.save}
            </Button>
          </form>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
